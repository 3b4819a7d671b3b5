{{/* The pod, which is the same for one with a volume and for several with a database. */}}
{{- define "scanhook.pod" -}}
metadata:
  labels:
    {{- include "scanhook.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "scanhook.name" . }}
  automountServiceAccountToken: false
  # Variables of a service named scanhook would look like keys of scanhook.toml.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    # Secrets and the volume belong to this group.
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: scanhook
      image: {{ include "scanhook.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve]
      env:
        # The same for `kubectl exec`.
        - name: SCANHOOK_CONFIG
          value: /etc/scanhook/config/scanhook.toml
        - name: SCANHOOK_RULES
          value: /etc/scanhook/config/rules.toml
        - name: SCANHOOK_LOG_FORMAT
          value: json
        - name: SCANHOOK_SERVER__LISTEN
          value: "0.0.0.0:{{ .Values.server.port }}"
        - name: SCANHOOK_ADMIN__LISTEN
          value: "{{ if .Values.admin.expose }}0.0.0.0{{ else }}127.0.0.1{{ end }}:{{ .Values.admin.port }}"
        - name: SCANHOOK_JOURNAL__URL
          value: {{ .Values.journal.url | quote }}
        {{- if include "scanhook.postgres" . }}
        {{- with .Values.journal.passwordFile }}
        - name: SCANHOOK_JOURNAL__PASSWORD_FILE
          value: {{ . | quote }}
        {{- end }}
        {{- with .Values.journal.caFile }}
        - name: SCANHOOK_JOURNAL__CA_FILE
          value: {{ . | quote }}
        {{- end }}
        {{- end }}
      ports:
        - name: webhooks
          containerPort: {{ .Values.server.port }}
        {{- if .Values.admin.expose }}
        - name: admin
          containerPort: {{ .Values.admin.port }}
        {{- end }}
      # A large journal of an earlier version is filled in at the first start.
      startupProbe:
        httpGet: { path: /livez, port: webhooks, scheme: {{ .Values.server.scheme }} }
        periodSeconds: 2
        failureThreshold: 300
      livenessProbe:
        httpGet: { path: /livez, port: webhooks, scheme: {{ .Values.server.scheme }} }
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /readyz, port: webhooks, scheme: {{ .Values.server.scheme }} }
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      {{- if include "scanhook.postgres" . }}
      # Until every node knows that this pod is leaving, connections still come. A single pod has nobody to hand them to, so
      # for SQLite waiting would only make the gap longer.
      lifecycle:
        preStop:
          sleep:
            seconds: 5
      {{- end }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        privileged: false
        capabilities:
          drop: [ALL]
      volumeMounts:
        # A folder, not `subPath`: only so a change arrives.
        - name: config
          mountPath: /etc/scanhook/config
          readOnly: true
        {{- range .Values.secrets }}
        - name: secret-{{ .folder }}
          mountPath: /etc/scanhook/secrets/{{ .folder }}
          readOnly: true
        {{- end }}
        - name: tmp
          mountPath: /tmp
        {{- if not (include "scanhook.postgres" .) }}
        - name: journal
          mountPath: {{ .Values.journal.url | trimPrefix "sqlite:" | dir }}
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "scanhook.name" . }}
    {{- range .Values.secrets }}
    - name: secret-{{ .folder }}
      secret:
        secretName: {{ .name }}
        # The group reads, others do not.
        defaultMode: 0440
    {{- end }}
    - name: tmp
      emptyDir:
        sizeLimit: 64Mi
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if include "scanhook.postgres" . }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "scanhook.selector" . | nindent 10 }}
  {{- end }}
{{- end }}
