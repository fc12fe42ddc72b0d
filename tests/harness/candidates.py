"""Which controller a proxy turns to first: as dataplane/subscribe/candidates.c."""

MASK = (1 << 64) - 1


def _score(name, url):
    h = 0xcbf29ce484222325
    for byte in name.encode() + b"\0" + url.encode():
        h = (h ^ byte) * 0x100000001b3 & MASK
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9 & MASK
    h = (h ^ h >> 27) * 0x94d049bb133111eb & MASK
    return h ^ h >> 31


def name_for(prefix, first, second):
    """A name for a proxy that turns to the URL `first` rather than to `second`."""
    return next(f"{prefix}{n}" for n in range(1000) if _score(f"{prefix}{n}", first) > _score(f"{prefix}{n}", second))
