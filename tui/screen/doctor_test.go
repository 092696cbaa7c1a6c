package screen

import (
	"errors"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func checks() []Check {
	return []Check{
		{Name: "configuration", Title: "Configuration", Status: "ok", Detail: "/etc/provstation/station.yaml"},
		{Name: "ledger", Title: "Records can be written", Status: "ok", Detail: "12.4 GB free"},
		{Name: "bridge", Title: "Enrollment server", Status: "fail", Detail: "https://tenant.example.com/api does not answer: connection refused", Next: "Check the station's network cable. If it is plugged in, tell the line lead."},
		{Name: "clock", Title: "Clock", Status: "warn", Detail: "The station's clock is 41 s behind the server's.", Next: "Tell the line lead at the end of the batch."},
		{Name: "broker", Title: "Message broker", Status: "ok", Detail: "mqtt.tenant.example.com:8883, TLS 1.3"},
		{Name: "printer", Title: "Label printer", Status: "skipped", Detail: "none is configured"},
	}
}

func doctorScenes() map[string]func() *Doctor {
	done := func(err error, checks ...Check) func() *Doctor {
		return func() *Doctor {
			d := NewDoctor()
			d.Begin()
			for _, c := range checks {
				d.Add(c)
			}
			d.Finish(err)
			return d
		}
	}
	all := checks()
	return map[string]func() *Doctor{
		"doctor-idle":   NewDoctor,
		"doctor-bad":    done(nil, all...),
		"doctor-fair":   done(nil, all[0], all[3]),
		"doctor-good":   done(nil, all[0], all[1], all[4], all[5]),
		"doctor-failed": done(errors.New("read configuration: no such file"), all[0]),
		"doctor-running": func() *Doctor {
			d := NewDoctor()
			d.Begin()
			for _, c := range all[:3] {
				d.Add(c)
			}
			return d
		},
	}
}

func TestDoctorGolden(t *testing.T) {
	for name, make := range doctorScenes() {
		t.Run(name, func(t *testing.T) {
			goldens(t, name, begun, func() page { return make() })
		})
	}
}

func TestDoctorSays(t *testing.T) {
	for _, tt := range []struct {
		scene string
		want  []string
		never []string
	}{
		{"doctor-idle", []string{"Nothing has been checked yet."}, []string{"in order,"}},
		{"doctor-running", []string{"checking", "3 checked, going on", "NOT OK"}, []string{"Everything is in order"}},
		{"doctor-good", []string{"Everything is in order.", "3 in order, 0 to look at, 0 not in order, 1 left out"}, []string{"Next:"}},
		{"doctor-fair", []string{"something should be looked at", "Next: Tell the line lead at the end of the batch."}, []string{"Everything"}},
		{"doctor-bad", []string{"Something is not in order.", "connection refused", "Next: Check the station's network cable."}, []string{"Everything"}},
		{"doctor-failed", []string{"The checks stopped: read configuration: no such file"}, []string{"Everything"}},
	} {
		d := doctorScenes()[tt.scene]()
		d.SetLook(lookIn(t, "en", false))
		d.SetSize(120, 40)
		got := ansi.Strip(d.View())
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: got no %q in\n%s", tt.scene, want, got)
			}
		}
		for _, never := range tt.never {
			if strings.Contains(got, never) {
				t.Errorf("%s: got %q, want none, in\n%s", tt.scene, never, got)
			}
		}
	}
}

// TestDoctorCountsWhatItDoesNotKnowAsBad: a check that says neither ok nor warn nor skipped is none that passed.
func TestDoctorCountsWhatItDoesNotKnowAsBad(t *testing.T) {
	d := NewDoctor()
	d.SetLook(lookIn(t, "en", false))
	d.SetSize(80, 20)
	d.Begin()
	d.Add(Check{Name: "x", Status: "OK"})
	d.Finish(nil)
	if got := ansi.Strip(d.View()); strings.Contains(got, "Everything is in order") || !strings.Contains(got, "1 not in order") {
		t.Errorf("got a good verdict on a status that nobody knows:\n%s", got)
	}
}

func TestDoctorIsBounded(t *testing.T) {
	d := NewDoctor()
	d.Begin()
	for range 10 * maxChecks {
		d.Add(Check{Title: strings.Repeat("x", 1<<12), Status: "fail", Detail: strings.Repeat("y", 1<<14)})
	}
	if len(d.checks) != maxChecks || len(d.checks[0].Title) > 256 || len(d.checks[0].Detail) > 1024 {
		t.Errorf("got %d checks, the first with a title of %d bytes and a detail of %d: a bound does not hold", len(d.checks), len(d.checks[0].Title), len(d.checks[0].Detail))
	}
	d.Begin()
	if !d.Running() || len(d.checks) != 0 {
		t.Errorf("got %d checks of before, running %t, want a new start", len(d.checks), d.Running())
	}
}
