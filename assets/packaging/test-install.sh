#!/usr/bin/env bash
# test-install.sh runs inside the copy of the system that test.sh made: OLD and NEXT are what programs say, ARCH is dpkg's.
set -euo pipefail
source /tmp/test-kit.sh
export DEBIAN_FRONTEND=noninteractive
[[ -d /tmp/pkg && ! -e /run/systemd/system ]] || die "this is not the copy"

# package is a package's file, of the old or the next version.
package() { echo /tmp/pkg/"${2:-.}"/"$1"_*_"$ARCH".deb; }
install() { dpkg -i $(package "$@") </dev/null >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log && die "dpkg -i $*"; }; }
state() { dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | tr -d ' ' || :; }
enabled() { systemctl is-enabled "$1" 2>/dev/null || :; }

station_units=(provstation.service)
agent_units=(provagent@.service provagent-console@.service provagent-renew.service provagent-renew.timer provagent-renewd.service)

fresh_station() {
  install provstation
  is "$(state provstation)" ii "provstation after dpkg -i"
  there /usr/bin/provstation /etc/provstation/station.example.yaml /etc/default/provstation /usr/lib/udev/rules.d/70-provstation.rules \
    /usr/lib/systemd/system/provstation.service /usr/share/doc/provstation/{copyright,changelog.gz,README.md,docs/install.md,examples/full.yaml,THIRD-PARTY.gz}
  gone /etc/provstation/station.yaml /var/lib/provstation
  is "$(provstation version)" "provstation $OLD" "version"
  is "$(getent passwd provstation | cut -d: -f1,6,7)" provstation:/var/lib/provstation:/usr/sbin/nologin "user"
  holds " $(id -nG provstation) " " provstation " " dialout "
  is "$(stat -c '%U:%G %a' /etc/provstation/secrets)" "root:provstation 750" "/etc/provstation/secrets"
  is "$(enabled provstation.service)" disabled "unit after installing"
  is "$(man -w provstation)" /usr/share/man/man1/provstation.1.gz "man -w provstation"
  man -w provstation-run provstation-records-verify >/dev/null || die "no page for a command"
  holds "$(man provstation-run | cat)" "until-stopped"
  is "$(bash -c 'source /usr/share/bash-completion/completions/provstation && complete -p provstation')" \
    "complete -o default -F __start_provstation provstation" "bash completion"
  # Its user reads the example and finds nothing wrong with it; without a configuration of its own it says so, with the code that
  # keeps systemd from starting it again.
  setpriv --reuid provstation --regid provstation --init-groups env STATE_DIRECTORY=/var/lib/provstation provstation config check --config /etc/provstation/station.example.yaml >/dev/null ||
    die "the example configuration is refused"
  local code=0
  PROVSTATION_CONFIG=/etc/provstation/station.yaml provstation run --until-stopped >/tmp/out 2>&1 || code=$?
  is $code 2 "exit code without a configuration"
}

# units: systemd's own opinion. It knows of no bench here, so device units are only named.
units() {
  local said
  said=$(systemd-analyze verify --man=yes "$@" 2>&1) || die "systemd-analyze verify $*: $said"
  is "$said" "" "systemd-analyze verify $*"
}

rules() {
  local file=/usr/lib/udev/rules.d/70-provstation.rules said
  if udevadm verify --help >/dev/null 2>&1; then
    udevadm verify --resolve-names=early "$file" || die "udevadm verify"
    return
  fi
  # Before systemd 254: reading all rules for some device says what is wrong with a line.
  said=$(udevadm test --action=add "$(find /sys/class/tty/ -mindepth 1 | head -1)" 2>&1 | grep -F 70-provstation || :)
  holds "$said" "70-provstation.rules"
  ! grep -Ei 'invalid|unknown|fail|ignor' <<<"$said" || die "udevadm test"
}

upgrade_station() {
  echo 'PROVSTATION_RUN_FLAGS="--json" # of the administrator' >>/etc/default/provstation
  cp /etc/provstation/station.example.yaml /etc/provstation/station.yaml
  echo secret >/etc/provstation/secrets/token
  mkdir -m 750 -p /var/lib/provstation && echo ledger >/var/lib/provstation/ledger.db && chown -R provstation: /var/lib/provstation
  systemctl enable provstation.service 2>/dev/null
  local kept
  kept=$(sha256sum /etc/default/provstation /etc/provstation/station.yaml /etc/provstation/secrets/token /var/lib/provstation/ledger.db)

  # Nobody answers a question here: an unattended upgrade keeps the administrator's file, and puts the new one beside it.
  dpkg --force-confdef --force-confold -i $(package provstation next) </dev/null >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log && die "upgrade"; }
  is "$(provstation version)" "provstation $NEXT" "version after the upgrade"
  sha256sum --quiet -c <<<"$kept" || die "the upgrade changed what is the administrator's"
  holds "$(cat /etc/default/provstation.dpkg-dist)" "# Changed upstream."
  is "$(enabled provstation.service)" enabled "unit after the upgrade"

  dpkg -r provstation >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log && die "remove"; }
  is "$(state provstation)" rc "provstation after dpkg -r"
  gone /usr/bin/provstation /usr/lib/systemd/system/provstation.service /usr/lib/udev/rules.d/70-provstation.rules /usr/share/doc/provstation \
    /etc/systemd/system/multi-user.target.wants/provstation.service
  there /etc/provstation/station.example.yaml
  sha256sum --quiet -c <<<"$kept" || die "removing changed what is the administrator's"

  dpkg -P provstation >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log && die "purge"; }
  is "$(state provstation)" "" "provstation after dpkg -P"
  gone /etc/default/provstation /etc/default/provstation.dpkg-dist /etc/provstation/station.example.yaml
  holds "$(cat /tmp/dpkg.log)" "/var/lib/provstation is left as it is" "/etc/provstation/station.yaml is left" "/etc/provstation/secrets is left"
  sha256sum --quiet -c <<<"$(grep -v /etc/default <<<"$kept")" || die "purging deleted a ledger, a configuration or a secret"
  is "$(stat -c %U /var/lib/provstation/ledger.db)" provstation "owner of the ledger"

  install provstation next # and back, on what was left
  is "$(stat -c %U:%G /etc/provstation/secrets)" root:provstation "secrets after installing anew"
  rm -rf /etc/provstation/station.yaml /etc/provstation/secrets/token /var/lib/provstation
  dpkg -P provstation >/tmp/dpkg.log 2>&1
  gone /etc/provstation
  ! grep -q 'left as it is' /tmp/dpkg.log || die "purge speaks of what is not there"
}

fresh_agent() {
  install provagent
  is "$(provagent version | sed -n '1s, [a-z]*/.*,,p')" "provagent $OLD" "version"
  there /etc/default/provagent /usr/share/doc/provagent/{copyright,changelog.gz,device.md,install.md,tpm.md,renewal.md,THIRD-PARTY.gz}
  man -w provagent provagent-serve provagent-renew >/dev/null || die "no manual of the agent"
  local unit
  for unit in "${agent_units[@]/.service/}"; do
    there "/usr/lib/systemd/system/$(basename "$unit" .timer)".*
    ! find /etc/systemd/system -lname "*$unit*" | grep . || die "$unit is enabled"
  done
}

lines() {
  systemctl enable provagent@ttyGS0.service provagent-console@ttyS0.service 2>/dev/null
  there /etc/systemd/system/dev-ttyGS0.device.wants/provagent@ttyGS0.service
  there /etc/systemd/system/multi-user.target.wants/provagent-console@ttyS0.service
}

variant_and_removal() {
  echo 'PROVAGENT_FLAGS="--reenroll never"' >>/etc/default/provagent
  mkdir -p /var/lib/provagent && echo key >/var/lib/provagent/device-key.pem
  local kept
  kept=$(sha256sum /etc/default/provagent /var/lib/provagent/device-key.pem)

  install provagent-tpm # takes the other's place, units stay enabled
  is "$(state provagent-tpm)" ii "provagent-tpm"
  [[ $(state provagent) != ii ]] || die "both agents are installed"
  is "$(provagent version | sed -n '1s, [a-z]*/.*,,p')" "provagent $OLD" "version of the variant"
  sha256sum --quiet -c <<<"$kept" || die "the variant changed what is the administrator's"
  lines

  dpkg --force-confdef --force-confold -i $(package provagent-tpm next) </dev/null >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log && die "upgrade"; }
  is "$(provagent version | sed -n '1s, [a-z]*/.*,,p')" "provagent $NEXT" "version after the upgrade"
  sha256sum --quiet -c <<<"$kept" || die "the upgrade changed what is the administrator's"

  dpkg -r provagent-tpm >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log && die "remove"; }
  gone /usr/bin/provagent /usr/lib/systemd/system/provagent@.service
  ! find /etc/systemd/system -lname '*provagent*' | grep . || die "a unit that is gone is still enabled"
  sha256sum --quiet -c <<<"$kept" || die "removing changed what is the administrator's"
  dpkg -P provagent provagent-tpm >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log && die "purge"; }
  gone /etc/default/provagent
  there /var/lib/provagent/device-key.pem
  holds "$(cat /tmp/dpkg.log)" "/var/lib/provagent is left as it is, with the key of this box"
}

echo "installing the station"; fresh_station
echo "units and udev rules of the station"; units "${station_units[@]}"; rules
echo "upgrading, removing and purging the station"; upgrade_station
echo "installing the agent, enabling its lines"; fresh_agent; units provagent@ttyGS0.service provagent-console@ttyS0.service provagent-renew.timer provagent-renewd.service; lines
echo "the agent with keys in a TPM in its place; upgrading, removing, purging"; variant_and_removal
is "$(dpkg --audit)" "" "dpkg --audit"
