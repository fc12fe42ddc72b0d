{{- define "weirlock.name" -}}
{{- if contains "weirlock" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-weirlock" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "weirlock.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: weirlock
{{ include "weirlock.selector" . }}
{{- end }}

{{- define "weirlock.selector" -}}
app.kubernetes.io/name: weirlock
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* (dict "top" . "program" "proxy") */}}
{{- define "weirlock.image" -}}
{{- with .top.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end }}weirlock-{{ .program }}:{{ .top.Values.image.tag | default .top.Chart.AppVersion }}
{{- end }}

{{/* (dict "top" . "who" "proxy") */}}
{{- define "weirlock.channelSecret" -}}
{{- index .top.Values.channel.secrets .who | default (printf "%s-channel-%s" (include "weirlock.name" .top) .who) }}
{{- end }}

{{/*
The pools as a list of {name, serves, component, who, dns, values}: `default` first, unless it serves none. Its objects are called and
selected as they are without pools, so that a release can get some later.
*/}}
{{- define "weirlock.pools" -}}
{{- $default := dict "name" "default" "serves" "all" }}
{{- $others := list }}
{{- range .Values.pools }}
{{- if eq .name "default" }}{{ $default = . }}{{ else }}{{ $others = append $others . }}{{ end }}
{{- end }}
{{- $all := list }}
{{- range prepend $others $default }}
{{- if ne .serves "none" }}
{{- $component := ternary "proxy" (printf "proxy-%s" .name) (eq .name "default") }}
{{- $values := mergeOverwrite (deepCopy $.Values.proxy) (deepCopy (.proxy | default dict)) }}
{{- $all = append $all (dict "name" .name "serves" .serves "component" $component "values" $values "addresses" (.addresses | default list) "dns" (printf "%s.proxy" .name)) }}
{{- end }}
{{- end }}
{{- if not $all }}{{ fail "pools: none is left that serves anything" }}{{ end }}
{{- toYaml $all }}
{{- end }}

{{- define "weirlock.proxyComponents" -}}
{{- range $i, $pool := fromYamlArray (include "weirlock.pools" .) }}{{ if $i }}, {{ end }}{{ $pool.component }}{{ end }}
{{- end }}

{{- define "weirlock.defaultCertificate" -}}
{{- if .Values.defaultCertificate.secret }}{{ .Values.defaultCertificate.secret }}
{{- else if .Values.defaultCertificate.create }}$(POD_NAMESPACE)/{{ include "weirlock.name" . }}-default-certificate
{{- end }}
{{- end }}

{{/* Where the addresses in the status of a pool's Ingresses are from, as an option of the controller; `pools` as in weirlock.pools. */}}
{{- define "weirlock.publish" -}}
{{- $top := .top }}
{{- range $i, $pool := .pools }}
{{- $of := ternary "" (printf "%s=" $pool.name) (eq $i 0) }}
{{- $addresses := $pool.addresses }}
{{- if and (eq $i 0) (not $addresses) }}{{ $addresses = $top.Values.status.addresses }}{{ end }}
{{- if $addresses }}
- --publish-status-address={{ $of }}{{ join "," $addresses }}
{{- else if $pool.values.hostPorts }}
- --proxy-selector={{ $of }}app.kubernetes.io/name=weirlock,app.kubernetes.io/instance={{ $top.Release.Name }},app.kubernetes.io/component={{ $pool.component }}
{{- else }}
- --publish-service={{ $of }}$(POD_NAMESPACE)/{{ include "weirlock.name" $top }}-{{ $pool.component }}
{{- end }}
{{- end }}
{{- end }}

{{/* These options, one a line; none with status.update: false. */}}
{{- define "weirlock.statusFrom" -}}
{{- if .Values.status.update }}{{ include "weirlock.publish" (dict "top" . "pools" (fromYamlArray (include "weirlock.pools" .))) }}{{ end }}
{{- end }}

{{- define "weirlock.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "weirlock.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* /healthz fails when the program's loop stands still, /readyz says whether to send anybody. */}}
{{- define "weirlock.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
{{- end }}

{{- define "weirlock.placing" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "weirlock.rbac.subject" -}}
subjects:
- {kind: ServiceAccount, name: {{ include "weirlock.name" . }}-controller, namespace: {{ .Release.Namespace }}}
{{- end }}

{{- define "weirlock.rbac.served" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [list, watch]
{{- if .Values.status.update }}
- apiGroups: [networking.k8s.io]
  resources: [ingresses/status]
  verbs: [patch]
{{- end }}
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [secrets]
  {{- with .Values.controller.secretNames }}
  resourceNames: {{- toYaml . | nindent 2 }}
  {{- end }}
  verbs: [list, watch]
{{- end }}
