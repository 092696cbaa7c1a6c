package tui

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/words"
)

// TestGermanWithoutUmlauts: on a terminal that knows ASCII alone German is spelled with ae, oe, ue and ss, both what the
// screen says and what the station says, so that "Drücken" (press) does not read as "Drucken" (print).
func TestGermanWithoutUmlauts(t *testing.T) {
	de, err := words.Load("de")
	if err != nil {
		t.Fatal(err)
	}
	m, _ := benchIn(t, de, sceneMixed, 120, 35, asciiEnv)
	got := plainView(m)
	for _, want := range []string{"Laeuft", "Druecken Sie r", "Geraet"} {
		if !strings.Contains(got, want) {
			t.Errorf("got no %q in\n%s", want, got)
		}
	}
	for _, never := range []string{"Drucken", "Ger?t", "lauft"} {
		if strings.Contains(got, never) {
			t.Errorf("got %q in\n%s", never, got)
		}
	}
	if i := strings.IndexFunc(got, func(r rune) bool { return r > 0x7e }); i >= 0 {
		t.Errorf("got %q, want ASCII", got[i:min(i+20, len(got))])
	}
}

func TestSpelledEvents(t *testing.T) {
	warnings := []station.Warning{{Text: "Gerät"}}
	for _, tt := range []struct {
		in, want station.Body
	}{
		{station.RunEnded{Message: "Gerät", Hint: "Drücken", Slot: "Süd"}, station.RunEnded{Message: "Geraet", Hint: "Druecken", Slot: "Süd"}},
		{station.ScanTaken{Message: "Gerät", Hint: "Drücken"}, station.ScanTaken{Message: "Geraet", Hint: "Druecken"}},
		{station.BatchChanged{Reason: "Gerät"}, station.BatchChanged{Reason: "Geraet"}},
		{station.LearnChanged{Reason: "Gerät"}, station.LearnChanged{Reason: "Geraet"}},
		{station.LabelPrinted{Message: "Gerät"}, station.LabelPrinted{Message: "Geraet"}},
		{station.PhaseChanged{Warnings: warnings}, station.PhaseChanged{Warnings: []station.Warning{{Text: "Geraet"}}}},
		{station.OperatorChanged{Operator: "Jürgen"}, station.OperatorChanged{Operator: "Jürgen"}},
	} {
		got := spelled(station.Event{Seq: 7, Body: tt.in})
		if d := cmp.Diff(station.Event{Seq: 7, Body: tt.want}, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	if warnings[0].Text != "Gerät" {
		t.Errorf("got %q, want the event itself left as it was", warnings[0].Text)
	}
}
