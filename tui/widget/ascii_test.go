package widget

import "testing"

func TestSpelled(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"slot 1", "slot 1"},
		{"Läuft: Gerät, größer", "Laeuft: Geraet, groesser"},
		{"Überblick über Öfen", "Ueberblick ueber Oefen"},
		{"GERÄT", "GERAET"},
		{"GESTÖRT", "GESTOERT"},
		{"ÜBER", "UEBER"},
		{"MENÜ", "MENUE"},
		{"Ä", "Ae"},
		{"Bartholomäus → 日本", "Bartholomaeus → 日本"},
	} {
		if got := Spelled(tt.in); got != tt.want {
			t.Errorf("Spelled(%q): got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestASCIIOnly(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"slot 1", "slot 1"},
		{"Schlüssel größer, Ÿ", "Schlussel groser, ?"},
		{"\x1b[31mÄrger\x1b[0m", "\x1b[31mArger\x1b[0m"},
		{"日本 → é", "???? ? e"},
		{"e\u0301x", "ex"},
		{"3 × 4 ÷ 2", "3 x 4 / 2"},
	} {
		if got := ASCIIOnly(tt.in); got != tt.want {
			t.Errorf("ASCIIOnly(%q): got %q, want %q", tt.in, got, tt.want)
		}
	}
}
