#!/usr/bin/env bash
# Packs the chart into a directory, and prints the path of the package: chart.sh IMAGE DIRECTORY. The chart has to name this image,
# without a tag.
set -euo pipefail
. "$(dirname "$0")/../cluster/lib.sh"
cd "$ROOT"

image=${1:?chart.sh IMAGE DIRECTORY} directory=${2:?chart.sh IMAGE DIRECTORY}
chart=charts/chaostoolkit-operator
named=$(sed -n 's/^  repository: //p' $chart/values.yaml | head -n 1)
# The registry of an image without one is Docker Hub.
[ "${image#docker.io/}" = "${named#docker.io/}" ] || die "the image is $image, and the values of the chart name $named"
helm=$(hack/tool.sh helm)
version=$(hack/release/version.sh)
"$helm" package --destination "$directory" $chart >/dev/null
[ -f "$directory/chaostoolkit-operator-$version.tgz" ] || die "Helm has not packed version $version"
echo "$directory/chaostoolkit-operator-$version.tgz"
