#!/usr/bin/env bash
# test-archives.sh DIST VERSION: every archive that is promised, what is in it, and that its bill of materials names exactly the
# libraries that the linker put into its program.
set -euo pipefail
source "$(dirname "$0")/test-kit.sh"
dist=$1 version=$2
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT

# materials: what the bill says, and what the program says of itself.
materials() { # bill program
  local said linked
  said=$(grep -o '"purl": "pkg:golang/[^"?]*' "$1" | sed 's,.*golang/,,' | grep -v -e '^std@' -e '^provstation@' | sort -u)
  linked=$(go version -m "$2" | awk '$1 == "dep" { print $2 "@" $3 }' | sort -u)
  [[ -n $linked ]] || die "$2 has no build information"
  diff <(echo "${said//%2B/+}") <(echo "$linked") || die "$1 does not fit its program"
  grep -q '"bomFormat": "CycloneDX"' "$1" || die "$1 is no CycloneDX"
}

look() { # program system processor, then files that must be in it
  local program=$1 name=$1-$version-$2-$3 exe='' f
  [[ $2 != windows ]] || exe=.exe
  shift 3
  mkdir "$W/$name"
  if [[ -n $exe ]]; then unzip -q "$dist/$name.zip" -d "$W"; else tar -C "$W" -xzf "$dist/$name.tar.gz"; fi
  for f in "${program%-tpm}$exe" THIRD-PARTY.txt CHANGELOG.md docs/install.md "$@"; do there "$W/$name/$f"; done
  materials "$dist/$name.cdx.json" "$W/$name/${program%-tpm}$exe"
  [[ -x $W/$name/${program%-tpm}$exe ]] || die "$name: the program is not executable"
  ! grep -rlIE "/(work|root|home)/[a-z]" "$W/$name/THIRD-PARTY.txt" || die "$name: a path of the builder's"
  rm -rf "${W:?}/$name"
}

man=man/provstation.1
for arch in amd64 arm64 armv7; do
  look provstation linux $arch $man README.md configs/full.yaml completions/provstation.bash systemd/provstation.service systemd/provstation.default udev/70-provstation.rules
done
for arch in amd64 arm64; do look provstation darwin $arch $man README.md configs/full.yaml completions/_provstation; done
look provstation windows amd64 README.md configs/full.yaml completions/provstation.ps1
for program in provagent provagent-tpm; do
  for arch in amd64 arm64 armv7 riscv64; do
    look $program linux $arch man/provagent-serve.1 docs/device.md systemd/provagent@.service systemd/provagent-console@.service systemd/provagent-renew.timer systemd/provagent.default
  done
done
# What a builder's machine could leave behind in a program.
tar -xzOf "$dist/provstation-$version-linux-amd64.tar.gz" --wildcards '*/provstation' | grep -aqF "$PWD" && die "the program has the path it was built in"
echo "$(find "$dist" -name '*.tar.gz' -o -name '*.zip' | wc -l) archives"
