# What the box is and what it holds. Nothing here changes anything. B, the folder of the files, P, the station's own folder
# in it, and the names FK FD FC FW FF (key, device, CA, tunnel, flag) and FO (other flags) are set.
one() { head -c 256 "$1" 2>/dev/null | tr -d '\000\n\r'; }
look() {
echo "uid=$(id -u)"
echo "now=$(date +%s)"
echo "boot=$(one /proc/sys/kernel/random/boot_id)"
echo "serial1=$(one /sys/firmware/devicetree/base/serial-number)"
echo "serial2=$(one /sys/class/dmi/id/product_serial)"
echo "model1=$(one /sys/firmware/devicetree/base/model)"
echo "model2=$(one /sys/class/dmi/id/product_name)"
m=$(one /etc/machine-id)
if [ -n "$m" ]; then
set -- $(printf 'provagent hardware serial' | openssl dgst -sha256 -hmac "$m" 2>/dev/null)
for x; do :; done
echo "machine=$x"
fi
echo "os=$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null | tr -d '"' | head -n 1) $(uname -r)"
echo "openssl=$(openssl version 2>/dev/null | head -n 1)"
}
# link gives where a symbolic link leads, "" for anything else.
link() { [ -L "$1" ] && if command -v readlink >/dev/null; then readlink "$1"; else x=$(ls -ld "$1"); echo "${x##* -> }"; fi; }
# mine is true for a name that leads into the station's folder.
mine() { case $(link "$1") in .provstation/current/*) return 0;; esac; return 1; }
# theirs is true for a file that the station has not put there.
theirs() { [ -f "$1" ] && ! mine "$1"; }
newest() {
n=0
for g in "$P"/gen*; do
g=${g##*/gen}
case $g in ''|0*|*[!0-9]*|?????????*) continue;; esac
[ "$g" -gt $n ] && n=$g
done
echo $n
}
current() { c=$(link "$P/current"); echo "${c#gen}"; }
# sealed is true for the generation that the box's programs see together with its flag. One whose flag is gone is installed, no more: the
# box's own start-up takes it for one that is not enrolled.
sealed() { [ "$1" != 0 ] && [ "$1" = "$(current)" ] && [ -f "$B/$FF" ]; }
field() { sed -n "s/^$2=//p" "$P/gen$1/record" 2>/dev/null | head -n 1; }
sum() { [ -f "$2" ] && echo "$1=$(H <"$2") $(wc -c <"$2" | tr -d ' ')"; }
# bare is a wg0.conf without its private key.
bare() { sed '/^[ 	]*[Pp][Rr][Ii][Vv][Aa][Tt][Ee][Kk][Ee][Yy][ 	]*=/d' "$1"; }
spki() { openssl pkey -in "$1" -noout 2>/dev/null && openssl pkey -in "$1" -pubout -outform DER 2>/dev/null | H; }
foreign() {
[ -z "$(current)" ] && theirs "$B/$FK" && theirs "$B/$FD" || return 1
for f in "$FF" $FO; do theirs "$B/$f" && return 0; done
return 1
}
# status describes the newest generation, or what the tenant's own script left.
status() {
n=$(newest) c=$(current)
echo "current=$c"
echo "newest=$n"
if [ "$n" = 0 ]; then
foreign || return 0
echo "foreign=1"
echo "spki=$(spki "$B/$FK")"
files "$B/$FD" "$B/$FC" "$B/$FW"
return 0
fi
for f in enroll device type csr wg; do echo "$f=$(field $n $f)"; done
k=$P/gen$n/key.pem
if sealed "$n"; then echo "flag=1"; k=$B/$FK
# Sealing would put another key in the place of one that the station did not make.
elif [ "$c" = "$n" ] && theirs "$B/$FK"; then k=$B/$FK
fi
echo "spki=$(spki "$k")"
echo "made=$(field $n spki)"
echo "signed=$(wc -l 2>/dev/null <"$P/gen$n/signed" | tr -d ' ')"
sealed "$n" && { echo "installed=1"; files "$B/$FD" "$B/$FC" "$B/$FW"; return 0; }
[ -d "$P/gen$n/files" ] && { echo "installed=1"; f=$P/gen$n/files; files "$f/device.pem" "$f/ca-chain.pem" "$f/wg0.conf"; }
return 0
}
files() {
sum f.device "$1"
sum f.ca "$2"
[ -f "$3" ] && echo "f.wg=$(bare "$3" | H) $(wc -c <"$3" | tr -d ' ')"
openssl x509 -in "$1" -noout 2>/dev/null && echo "leaf=$(openssl x509 -in "$1" -outform DER 2>/dev/null | H)"
return 0
}
# show prints a public file of the generation that status describes.
show() {
n=$(newest)
f=$P/gen$n/files
[ "$n" = 0 ] || sealed "$n" || [ ! -d "$f" ] && f=
case $1 in
device) f=${f:+$f/device.pem}; f=${f:-$B/$FD};;
ca) f=${f:+$f/ca-chain.pem}; f=${f:-$B/$FC};;
*) return 1;;
esac
[ -f "$f" ] && sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' "$f" | head -c 65536
}
