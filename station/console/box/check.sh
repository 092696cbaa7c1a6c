# The box's own test of the broker: mosquitto_pub with the files as they lie.
# pub SECONDS HOST PORT ID PROTOCOL TLS TOPIC PAYLOAD USER PASSWORD; payload, user and password are base64, TLS and USER may be -.
pub() {
ready
n=$(newest)
d=$P/gen$n/files/device.pem a=$P/gen$n/files/ca-chain.pem y=$P/gen$n/key.pem
if [ "$n" = 0 ] || sealed "$n" || [ ! -d "$P/gen$n/files" ]; then d=$B/$FD a=$B/$FC y=$B/$FK; fi
[ -f "$d" ] && [ -f "$y" ] || fail state "nothing is installed"
Z=$P/.in
rm -rf "$Z"
try mkdir "$Z"
t=$1 h=$2 p=$3 i=$4 v=$5 s=$6 o=$7 m=$8
shift 8
if [ "$1" != - ]; then
e=$({ printf -- '-u %s\n' "$(printf %s "$1" | D)"; [ "$2" = - ] || printf -- '-P %s\n' "$(printf %s "$2" | D)"; } 2>&1 >"$Z/mosquitto_pub") || fail io "$e"
fi
set -- -d -h "$h" -p "$p" -i "$i" -V "$v" -q 1 -t "$o" -s --cafile "$a" --cert "$d" --key "$y"
[ "$s" = - ] || set -- "$@" --tls-version "$s"
l="timeout $t"
timeout 1 true 2>/dev/null || l="timeout -t $t"
printf %s "$m" | D >"$Z/m"
XDG_CONFIG_HOME=$Z HOME=$Z $l mosquitto_pub "$@" <"$Z/m" >"$Z/said" 2>&1
echo "exit=$?"
tail -n 40 "$Z/said" | sed 's/^\(.\{0,300\}\).*/> \1/'
rm -rf "$Z"
return 0
}
