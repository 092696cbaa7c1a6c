package devstack

import (
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
		{"bridge=lost,slow=2s", Spec{Lost: true, Slow: 2 * time.Second}, true},
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
		{"noise=1", Spec{}, false},
		{"Drop=0.1", Spec{}, false},
		{",", Spec{}, false},
		{"drop=0.1,", Spec{}, false},
		{"drop=0.01,noise=1", Spec{}, false},
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
		for _, p := range []float64{s.Drop, s.Flip, s.Dup, s.Burst} {
			if !(p >= 0 && p <= 0.1) {
				t.Fatalf("%q: a chance of %v", text, p)
			}
		}
		if s.Latency < 0 || s.Latency > time.Second || (s.Bridge != 0 && (s.Bridge < 400 || s.Bridge > 599)) ||
			s.Slow < 0 || s.Slow > time.Minute || (s.Text != 0 && s.Text < leastText) {
			t.Fatalf("%q: %+v is out of bounds", text, s)
		}
	})
}
