package devstack

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseSpec(t *testing.T) {
	for _, row := range []struct {
		text string
		want Spec
		ok   bool
	}{
		{"", Spec{}, true},
		{"drop=1e-4", Spec{Drop: 1e-4}, true},
		{"drop=0.001, flip=0.002,dup=0.003 ,latency=16ms,bridge=503", Spec{Drop: 0.001, Flip: 0.002, Dup: 0.003, Latency: 16 * time.Millisecond, Bridge: 503}, true},
		{"burst=1e-5,text=500", Spec{Burst: 1e-5, Text: 500}, true},
		{"bridge=lost,slow=2s", Spec{Answer: AnswerLost, Slow: 2 * time.Second}, true},
		{"bridge=cut", Spec{Answer: AnswerCut}, true},
		{"bridge=half", Spec{Answer: AnswerHalf}, true},
		{"bridge=after", Spec{Answer: AnswerAfter}, true},
		{"bridge=page", Spec{Answer: AnswerPage}, true},
		{"zero=1e-3,ff=2e-3,swap=3e-3", Spec{Zero: 1e-3, FF: 2e-3, Swap: 3e-3}, true},
		{"reset=2,unplug=3,flash=13,random=2,key=1s,noise=64", Spec{Reset: 2, Unplug: 3, Flash: 13, Random: 2, Key: time.Second, Noise: 64}, true},
		{"reset=0", Spec{}, false},
		{"reset=5", Spec{}, false},
		{"flash=x", Spec{}, false},
		{"noise=2000", Spec{}, false},
		{"key=31s", Spec{}, false},
		{"bridge=gone", Spec{}, false},
		{"lie=wrong-key,broker=drop", Spec{Lie: LieKey, Broker: BrokerDrops}, true},
		{"tb=down,hawkbit=502-first", Spec{ThingsBoard: ServiceDown, HawkBit: HawkBit502First}, true},
		{"tb=late,hawkbit=cut", Spec{ThingsBoard: ThingsBoardLate, HawkBit: HawkBitCut}, true},
		{"tb=", Spec{}, false},
		{"tb=502-first", Spec{}, false},
		{"hawkbit=late", Spec{}, false},
		{"text=99", Spec{}, false},
		{"slow=61s", Spec{}, false},
		{"lie=", Spec{}, false},
		{"lie=white", Spec{}, false},
		{"broker=", Spec{}, false},
		{"broker=down", Spec{}, false},
		{"drop=0.01,drop=0.02", Spec{Drop: 0.02}, true},
		{"latency=0s", Spec{}, true},
		{"drop=0.1", Spec{Drop: 0.1}, true},
		{"bridge=400", Spec{Bridge: 400}, true},
		{"bridge=599", Spec{Bridge: 599}, true},
		{"drop", Spec{}, false},
		{"drop=", Spec{}, false},
		{"drop=x", Spec{}, false},
		{"drop=-0.1", Spec{}, false},
		{"drop=0.11", Spec{}, false},
		{"drop=NaN", Spec{}, false},
		{"flip=+Inf", Spec{}, false},
		{"dup=1e400", Spec{}, false},
		{"latency=16", Spec{}, false},
		{"latency=-1ms", Spec{}, false},
		{"latency=2s", Spec{}, false},
		{"bridge=200", Spec{}, false},
		{"bridge=600", Spec{}, false},
		{"bridge=99999999999999999999", Spec{}, false},
		{"gremlins=1", Spec{}, false},
		{"Drop=0.1", Spec{}, false},
		{",", Spec{}, false},
		{"drop=0.1,", Spec{}, false},
		{"drop=0.01,gremlins=1", Spec{}, false},
	} {
		got, err := ParseSpec(row.text)
		if (err == nil) != row.ok {
			t.Errorf("%q: got error %v, want ok: %v", row.text, err, row.ok)
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", row.text, diff)
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	f.Add("drop=1e-4,latency=16ms")
	f.Add("flip=0x1p-4,dup=.1,bridge=+503")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSpec(text)
		if err != nil {
			if s != (Spec{}) {
				t.Fatalf("%q: got %+v with an error, want nothing", text, s)
			}
			return
		}
		for _, p := range []float64{s.Drop, s.Flip, s.Dup, s.Zero, s.FF, s.Swap, s.Burst} {
			if !(p >= 0 && p <= 0.1) {
				t.Fatalf("%q: a chance of %v", text, p)
			}
		}
		if s.Latency < 0 || s.Latency > time.Second || (s.Bridge != 0 && (s.Bridge < 400 || s.Bridge > 599)) ||
			s.Slow < 0 || s.Slow > time.Minute || s.Key < 0 || s.Key > 30*time.Second || s.Noise < 0 || s.Noise > 1024 ||
			s.Reset < 0 || s.Reset > 4 || s.Unplug < 0 || s.Unplug > 4 || s.Flash < 0 || s.Flash > 13 || s.Random < 0 || s.Random > 10 || (s.Text != 0 && s.Text < leastText) {
			t.Fatalf("%q: %+v is out of bounds", text, s)
		}
	})
}

// What is wrong with a fault is said with what would be right.
func TestParseSpecErrors(t *testing.T) {
	for text, want := range map[string]string{
		"gremlins=1":     "known: drop, flip,",
		"drop":           "write NAME=VALUE, as in " + SpecExample,
		"drop=x":         "want a chance from 0 to 0.1",
		"reset=0":        "want a whole number from 1 to 4",
		"slow=90s":       "want a duration from 0s to 1m0s",
		"lie=white":      "want one of wrong-key, wrong-id,",
		"broker=asleep":  "want one of cert, refuse,",
		"bridge=missing": "want an HTTP status from 400 to 599, or one of lost, cut, half, after, page",
	} {
		if _, err := ParseSpec(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), strconv.Quote(text)) {
			t.Errorf("%s: got %v, want %q in it", text, err, want)
		}
	}
	if _, err := ParseSpec(SpecExample); err != nil {
		t.Errorf("the example: %v", err)
	}
	for _, name := range SpecNames() {
		if !strings.Contains(SpecText(), "\n  "+name+"=") && !strings.HasPrefix(SpecText(), "  "+name+"=") {
			t.Errorf("%s is not in the table", name)
		}
	}
}
