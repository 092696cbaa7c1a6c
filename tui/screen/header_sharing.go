package screen

import (
	"strconv"
	"time"

	"github.com/charmbracelet/x/ansi"

	"provstation/tui/board"
	"provstation/tui/widget"
)

// headerAway says that the database which the stations share is away: since when, and what waits for it.
func headerAway(l widget.Look, b *board.Board, now time.Time, w int) string {
	left, right := " ! "+l.Text("header.away", "since", since(b.Away, now)), ""
	for _, text := range waiting(l, b, now) {
		if right = text + " "; ansi.StringWidth(left)+2+ansi.StringWidth(right) <= w {
			break
		}
	}
	if more := left + "  " + l.Text("header.away.more"); ansi.StringWidth(more)+2+ansi.StringWidth(right) <= w {
		left = more
	}
	return l.Styles.WarnBar.Render(l.Ends(l.Cut(left, w-ansi.StringWidth(right)-2), right, w))
}

// waiting is how many records wait for it, and since when, and the same in few words; nil: none.
func waiting(l widget.Look, b *board.Board, now time.Time) []string {
	n := b.Ledger.Waiting
	if n == 0 {
		return nil
	}
	key, oldest := "header.waiting", ""
	if n == 1 {
		key = "header.waiting.one"
	}
	if b.Ledger.Since != nil {
		oldest = since(*b.Ledger.Since, now)
	}
	return []string{l.Text(key, "n", strconv.Itoa(n), "since", oldest), l.Text("header.waiting.short", "n", strconv.Itoa(n))}
}

// since is a moment of today by its time, an earlier one by its date, too. It changes once a minute at most.
func since(t, now time.Time) string {
	t = t.In(now.Location())
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return t.Format("01-02 15:04")
}

// headerDuplicates says which devices two stations contradict each other about, while nobody has acknowledged it.
func headerDuplicates(l widget.Look, b *board.Board, w int) string {
	right := l.Text("header.duplicate.next") + " "
	text := l.Text("header.duplicates", "n", strconv.Itoa(len(b.Duplicates)+b.Unlisted))
	if d := b.Duplicates[0]; len(b.Duplicates) == 1 {
		room := w - ansi.StringWidth(right) - 5
		for _, name := range [][2]string{{d.HardwareSerial, d.OtherSerial}, {l.CutID(d.HardwareSerial, 12), l.CutID(d.OtherSerial, 12)}} {
			one := l.Text("header.duplicate", "device", name[0], "other", name[1])
			if d.OtherSerial == "" || d.OtherSerial == d.HardwareSerial {
				one = l.Text("header.duplicate.same", "device", name[0])
			}
			if ansi.StringWidth(one) <= room {
				text = one
				break
			}
		}
	}
	return l.Styles.BadBar.Render(l.Ends(l.Cut(" ! "+text, w-ansi.StringWidth(right)-2), right, w))
}
