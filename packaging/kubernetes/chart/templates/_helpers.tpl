{{- define "scanhook.name" -}}
{{- if contains "scanhook" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-scanhook" .Release.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "scanhook.selector" -}}
app.kubernetes.io/name: scanhook
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "scanhook.labels" -}}
{{ include "scanhook.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Whether several pods share a journal. */}}
{{- define "scanhook.postgres" -}}
{{- if hasPrefix "postgres:" .Values.journal.url }}true{{ end }}
{{- end }}

{{- define "scanhook.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}
