{{/* What Helm expects on each object. */}}
{{- define "chaostoolkit.helmLabels" -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_")
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service -}}
{{- toYaml (merge $own (deepCopy .Values.commonLabels)) -}}
{{- end }}

{{/* What kustomize/base puts on the objects of the operator, too. */}}
{{- define "chaostoolkit.labels" -}}
{{- $own := dict
  "app.kubernetes.io/name" "chaostoolkit"
  "app.kubernetes.io/component" "operator"
  "provider" "chaostoolkit"
  "role" "chaosengineering" -}}
{{- toYaml (merge $own (include "chaostoolkit.helmLabels" . | fromYaml)) -}}
{{- end }}

{{- define "chaostoolkit.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The namespaces of experiments besides the operator's own, in the form of --watch-namespaces. */}}
{{- define "chaostoolkit.watchNamespaces" -}}
{{- if .Values.multiTenant.enabled -}}{{ join "," .Values.multiTenant.namespaces }}{{- end -}}
{{- end }}

{{/*
The objects of a file that kustomize has too, as a kustomization of this release would have them.
  path         the file
  context      the context of the chart
  base         whether the objects get the labels of kustomize/base
  namespace    their namespace, if the file says none
  annotations  annotations that they get
  labels       further labels that they get
  rules        further rules of roles, by name
*/}}
{{- define "chaostoolkit.objects" -}}
{{- $given := . -}}
{{- $text := .context.Files.Get .path -}}
{{- if not $text }}{{ fail (printf "the chart has no file %s" .path) }}{{ end -}}
{{- $labels := include (ternary "chaostoolkit.labels" "chaostoolkit.helmLabels" (default false .base)) .context | fromYaml -}}
{{- range $document := regexSplit "(?m)^---\\s*$" $text -1 }}
{{- $object := fromYaml $document }}
{{- if hasKey $object "Error" }}{{ fail (printf "%s: %s" $given.path $object.Error) }}{{ end }}
{{- if $object }}
{{- $metadata := $object.metadata }}
{{- $_ := set $metadata "labels" (merge ($metadata.labels | default dict) (deepCopy $labels) (deepCopy ($given.labels | default dict))) }}
{{- with merge (deepCopy ($metadata.annotations | default dict)) ($given.annotations | default dict) (deepCopy $given.context.Values.commonAnnotations) }}
{{- $_ := set $metadata "annotations" . }}
{{- end }}
{{- if eq ($metadata.namespace | default "") "chaostoolkit-crd" }}
{{- $_ := set $metadata "namespace" $given.context.Release.Namespace }}
{{- end }}
{{- with $given.namespace }}
{{- $_ := set $metadata "namespace" . }}
{{- end }}
{{- range $object.subjects }}
{{- $_ := set . "namespace" $given.context.Release.Namespace }}
{{- end }}
{{- with ($object.spec | default dict).paramRef }}
{{- $_ := set . "namespace" $given.context.Release.Namespace }}
{{- end }}
{{- with get ($given.rules | default dict) (printf "%s/%s" $object.kind $metadata.name) }}
{{- $_ := set $object "rules" (concat $object.rules .) }}
{{- end }}
---
{{ toYaml $object }}
{{ end }}
{{- end }}
{{- end }}

{{/* Rules of a network policy that let out what goes to these ports. */}}
{{- define "chaostoolkit.egress" -}}
- ports:
  {{- range .dnsPorts }}
  - protocol: UDP
    port: {{ . }}
  - protocol: TCP
    port: {{ . }}
  {{- end }}
  {{- range concat .httpsPorts .apiServerPorts | uniq }}
  - protocol: TCP
    port: {{ . }}
  {{- end }}
{{- end }}

{{/*
Fails where the release could not work, with what to do. The names of the objects are fixed, since the operator and its policies
refer to them. So there is one release in a cluster.
*/}}
{{- define "chaostoolkit.check" -}}
{{- if not (or .Values.rbac.create (not (or .Values.rbac.grantableWorkloads .Values.rbac.grantableCluster .Values.rbac.clusterWide))) }}
{{- fail "rbac.grantableWorkloads, rbac.grantableCluster and rbac.clusterWide add to the roles of rbac.create: set that to true" }}
{{- end }}
{{- if and .Values.stamping.enabled (semverCompare "<1.36.0-0" .Capabilities.KubeVersion.Version) }}
{{- fail (printf "stamping.enabled needs Kubernetes 1.36 or later, which has the kind MutatingAdmissionPolicy: this is %s" .Capabilities.KubeVersion.Version) }}
{{- end }}
{{- if eq .Release.Namespace "chaostoolkit-run" }}
{{- fail "the namespace chaostoolkit-run is that of the runs: choose another one for the operator, such as --namespace chaostoolkit-crd" }}
{{- end }}
{{- if hasPrefix "kube-" .Release.Namespace }}
{{- fail (printf "the operator works in no namespace kube-*: choose another one than %s, such as --namespace chaostoolkit-crd" .Release.Namespace) }}
{{- end }}
{{- $binding := lookup "admissionregistration.k8s.io/v1" "ValidatingAdmissionPolicyBinding" "" "chaostoolkit-crd-authors" }}
{{- with $binding }}
{{- $annotations := .metadata.annotations | default dict }}
{{- $owner := get $annotations "meta.helm.sh/release-name" }}
{{- $place := get $annotations "meta.helm.sh/release-namespace" }}
{{- if and $owner (or (ne $owner $.Release.Name) (ne $place $.Release.Namespace)) }}
{{- fail (printf "the cluster has the operator already, as the release %s in the namespace %s, and a cluster has one: upgrade that release, with multiTenant.enabled if experiments of other namespaces are to run" $owner $place) }}
{{- end }}
{{- $home := dig "spec" "paramRef" "namespace" $.Release.Namespace . }}
{{- if and (not $owner) (ne $home $.Release.Namespace) }}
{{- fail (printf "the cluster has the operator already, in the namespace %s and without Helm, and a cluster has one: uninstall it first, or take it over with --namespace %s --take-ownership" $home $home) }}
{{- end }}
{{- end }}
{{- end }}
