#!/usr/bin/env bash
# What git says, in the order of time; dpkg and rpm must order the versions that come of it alike.
set -euo pipefail
cd "$(dirname "$0")"
source ./test-kit.sh

rows='0123abc            0.0.0~git20261129083629.0123abc
0123abc-dirty      0.0.0~git20261129083629.0123abc+dirty
v0.1.0             0.1.0
v1.2.3-rc.1        1.2.3~rc.1
v1.2.3-rc.1-7-gabc1234        1.2.3~rc.1+7.gabc1234
v1.2.3-rc.2        1.2.3~rc.2
v1.2.3             1.2.3
v1.2.3-4-gabc1234  1.2.3+4.gabc1234
v1.2.3-4-gabc1234-dirty       1.2.3+4.gabc1234.dirty
v1.2.3-11-gdef1234 1.2.3+11.gdef1234
v1.2.4             1.2.4
v1.10.0            1.10.0'
last=
while read -r describe want; do
  got=$(./version.sh "$describe" 20261129083629)
  is "$got" "$want" "version of $describe"
  if [[ -n $last ]]; then
    dpkg --compare-versions "$last" lt "$got" || die "dpkg: want $last before $got"
    is "$(rpm --eval "%{lua:print(rpm.vercmp('$last', '$got'))}")" -1 "rpm: order of $last and $got"
  fi
  last=$got
done <<<"$rows"
for bad in nightly v1 'v1.2.3 x' v1.2.3_4 ../v1.2.3 "v1.2.3-rc_1" abc; do
  ! ./version.sh "$bad" 20261129083629 2>/dev/null || die "version of '$bad': want it refused"
done
! ./version.sh 0123abc 2>/dev/null || die "a commit without its date: want it refused"
echo "$(wc -l <<<"$rows") versions"
