# The shell that reads requests; see doc.go. T, the token, is set. Placeholders are filled in by scripts.go.
N= S=0 O= W= K= P=
H() { set -- $(@HASH@); echo "$1"; }
E() { @ENCODE@; }
D() { @DECODE@; }
# k puts the first 16 digits of a text's digest into J. Every program that is started costs a slow box time: no more than needed.
k() { J=$(printf %s "$1" | @HASH@); J=${J%"${J#????????????????}"}; }
# p answers with the output of the newest request.
p() {
k "$O
"
echo
printf '%s\n' "$O" | E | {
i=0
while read -r x; do i=$((i+1)); echo "$T $N $i $x $T"; done
echo "$T $N . $i $S $J $T"
}
}
z() { echo; echo "$T ! $T"; }
# tidy removes what a session that ended in the middle has left; P is the station's folder.
tidy() { [ -z "$P" ] || [ ! -d "$P" ] || rm -rf "$P/.in" "$P/.new" "$P"/gen*/.new "$P"/gen*/.old "$P"/gen*/.tbs "$P"/gen*/.sig; }
# q leaves the box as it was found.
q() {
trap - EXIT
[ -n "$K" ] && echo "$K" 2>/dev/null >/proc/sys/kernel/printk
tidy
# The first line was typed with a quote inside the token; this much of it stands there in one piece.
h=${T#????????}
for f in .ash_history .bash_history .sh_history; do
[ -f "$HOME/$f" ] && [ -n "$(sed -n "/$h/p" "$HOME/$f")" ] && sed -i "/$h/d" "$HOME/$f"
done
[ -n "$W" ] && kill "$W"
echo
echo "$T bye $T"
stty echo
} 2>/dev/null
# m reads requests until the line says exit, or falls silent.
m() {
trap q EXIT
trap 'exit 1' HUP INT TERM
R='read -r'
if (echo x | read -r -t 9 y) 2>/dev/null; then R='read -r -t @IDLE@'; else
(i=0; while kill -0 $$ && [ $i -lt @TICKS@ ]; do sleep 5; i=$((i+1)); done; kill -HUP $$) >/dev/null 2>&1 </dev/null &
W=$!
fi
echo
echo "$T ready $T"
while IFS= $R l; do
case $l in
exit) exit 0;;
*' ?') if [ "${l% ?}" = "$N" ]; then p; else z; fi;;
*)
n=${l%% *} r=${l#* }
c=${r%% *} r=${r#* }
k "$n $r"
if [ "$J" != "$c" ]; then z
elif [ "$n" = "$N" ]; then p
else
N=$n
case $r in
d*) eval "${r#d }"; S=$? O=;;
*) O=$(eval "${r#x }" 2>&1 </dev/null); S=$?;;
esac
p
fi
esac
done
exit 0
}
m
