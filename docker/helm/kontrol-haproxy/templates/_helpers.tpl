{{- define "kontrol.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "kontrol.serviceAccount" -}}
{{ .Values.serviceAccount.name | default .Values.name }}
{{- end }}

{{- define "kontrol.selector" -}}
app: {{ .Values.name }}
role: balancer
{{- end }}

{{- define "kontrol.etcd.name" -}}
{{ .Values.name }}-etcd
{{- end }}

{{- /* Whether there are members of our own. */}}
{{- define "kontrol.etcd.own" -}}
{{ if and (not .Values.etcd.urls) (gt (int .Values.etcd.members) 0) }}yes{{ end }}
{{- end }}

{{- define "kontrol.etcd.urls" -}}
{{- $name := include "kontrol.etcd.name" . -}}
{{- if .Values.etcd.urls -}}
{{ join "," .Values.etcd.urls }}
{{- else -}}
{{- range $i := until (int .Values.etcd.members) }}{{ if $i }},{{ end }}http://{{ $name }}-{{ $i }}.{{ $name }}:2379{{ end }}
{{- end }}
{{- end }}

{{- define "kontrol.etcd.cluster" -}}
{{- $name := include "kontrol.etcd.name" . -}}
{{- range $i := until (int .Values.etcd.members) }}{{ if $i }},{{ end }}{{ $name }}-{{ $i }}=http://{{ $name }}-{{ $i }}.{{ $name }}:2380{{ end }}
{{- end }}
