#!/usr/bin/env bash
# version.sh DESCRIBE [DATE]: the version of a .deb and of an .rpm for what `git describe --tags --always --dirty` said, such that
# dpkg and rpm order versions as git does: a release candidate before its release, commits after a tag after that tag, and a
# repository without a tag before any release, by DATE (of its commit, YYYYMMDDhhmmss). A tilde sorts before the end, a plus after.
set -euo pipefail

describe=${1:?usage: version.sh DESCRIBE [DATE]} date=${2:-}
dirty=
case $describe in *-dirty) dirty=dirty describe=${describe%-dirty} ;; esac

after= # "4.gabc1234" where HEAD is four commits after the tag
if [[ $describe =~ ^(.+)-([0-9]+)-(g[0-9a-f]+)$ ]]; then
  describe=${BASH_REMATCH[1]} after=${BASH_REMATCH[2]}.${BASH_REMATCH[3]}
fi
if [[ $describe =~ ^v?([0-9]+(\.[0-9]+)+)(-([0-9A-Za-z.-]+))?(\+([0-9A-Za-z.-]+))?$ ]]; then
  version=${BASH_REMATCH[1]}
  [[ -z ${BASH_REMATCH[4]} ]] || version+="~${BASH_REMATCH[4]//-/.}"
  [[ -z ${BASH_REMATCH[6]} ]] || version+="+${BASH_REMATCH[6]//-/.}"
  [[ -z $after ]] || version+="+$after"
elif [[ -z $after && $describe =~ ^[0-9a-f]{4,64}$ && $date =~ ^[0-9]{8,14}$ ]]; then
  version="0.0.0~git$date.$describe"
else
  echo "version.sh: no version in $1: want a tag such as v1.2.3 or v1.2.3-rc.1, or a commit and its date" >&2
  exit 1
fi
[[ -z $dirty ]] || case $version in *+*) version+=.$dirty ;; *) version+=+$dirty ;; esac
echo "$version"
