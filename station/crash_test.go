package station

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every place that is declared is one that the station can be killed at.
func TestCrashPoints(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "crash.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	points := CrashPoints()
	for _, p := range QueuePoints() {
		if !slices.Contains(points, p) {
			points = append(points, p)
		}
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "point") {
			return true
		}
		lit, ok := spec.Values[0].(*ast.BasicLit)
		if !ok {
			return true
		}
		found++
		if name, err := strconv.Unquote(lit.Value); err != nil || !slices.Contains(points, name) {
			t.Errorf("%s is not among the places, %v", lit.Value, err)
		}
		return true
	})
	if found < 30 {
		t.Errorf("got %d places in crash.go, want all of them: has the file's shape changed?", found)
	}
	slices.Sort(points)
	if len(slices.Compact(slices.Clone(points))) != len(points) {
		t.Errorf("a place is named twice: %v", points)
	}
}

// What a killed process left open is told once, in the first event; a ledger that cannot be written is no reason not to start.
func TestInterruptedIsTold(t *testing.T) {
	for _, row := range []struct {
		name string
		set  func(k *kit)
		want string
	}{
		{"three", func(k *kit) { k.ledger.interrupted = 3 }, `"interrupted":3`},
		{"none", func(*kit) {}, ""},
		{"the ledger fails", func(k *kit) { k.ledger.interrupted = 3; k.ledger.failOnce("EndInterrupted") }, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				k.bench.Info.StationID = "st-1"
				row.set(k)
				events := k.play()
				wantEnd(t, events, Pass, "")
				text, err := json.Marshal(events[0])
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(text), "interrupted") != (row.want != "") || !strings.Contains(string(text), row.want) {
					t.Errorf("got %s, want %q in it", text, row.want)
				}
			})
		})
	}
}

// An intent that cannot be made durable stops the run before anything is done to the device.
func TestNothingWithoutItsIntent(t *testing.T) {
	for n, op := range []string{"keygen", "install"} {
		t.Run(op, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				k.ledger.failNth("Intend", n+1)
				wantEnd(t, k.play(), Error, CodeLedger)
				if got := k.port("s1").count(op); got != 0 {
					t.Errorf("got %d times %s, want none without a record", got, op)
				}
			})
		})
	}
	t.Run("seal", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			k.ledger.failNth("SaveProof", 1)
			wantEnd(t, k.play(), Error, CodeLedger)
			if got := k.port("s1").count("seal"); got != 0 {
				t.Errorf("got %d seals, want none without a record", got)
			}
		})
	})
}

// A refusal that cannot be written down does not change how the run ends.
func TestRefusalWithoutARecord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.cfg.MinValidity, k.cfg.ShelfRefuse = 48*60*60*1e9, true
		k.ledger.failOnce("RefuseCertificate")
		wantEnd(t, k.play(), Fail, CodeCertShelfLife)
	})
}

var errDisk = errors.New("disk is gone")
