# Flags of our own code (generated code is a target of its own, without these). Assertions stay on in every build.
include(CheckCCompilerFlag)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")

set(WEIRLOCK_SANITIZE "" CACHE STRING "sanitizers for all code, as in -fsanitize=")
option(WEIRLOCK_FUZZ "build the fuzz targets (needs clang)" OFF)

if(WEIRLOCK_SANITIZE)
	add_compile_options(-fsanitize=${WEIRLOCK_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
	add_link_options(-fsanitize=${WEIRLOCK_SANITIZE})
endif()
if(WEIRLOCK_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
	add_compile_options(-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
	add_link_options(-pie -Wl,-z,relro,-z,now)
	# "rep stos" and "rep movs" take some 30 cycles to begin, and a request clears and copies many structs of a few hundred bytes
	set(strategy unrolled_loop:512:noalign,libcall:-1:noalign)
	check_c_compiler_flag(-mmemset-strategy=${strategy} HAS_STRING_STRATEGY)
	if(HAS_STRING_STRATEGY)
		add_compile_options(-mmemset-strategy=${strategy} -mmemcpy-strategy=${strategy})
	endif()
endif()

add_library(our_flags INTERFACE)
target_compile_definitions(our_flags INTERFACE _GNU_SOURCE WEIRLOCK_VERSION="${PROJECT_VERSION}")
target_compile_options(our_flags INTERFACE
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
	-Wcast-qual -Wformat=2 -Wundef -Wvla -Wwrite-strings -Werror)
# clang (the fuzz preset) also looks into what protobuf-c's INIT macros expand to.
target_compile_options(our_flags INTERFACE $<$<C_COMPILER_ID:Clang>:-Wno-cast-qual>)
