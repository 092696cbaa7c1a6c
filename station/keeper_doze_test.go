package station

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"
)

// dozingLine notes when it is told to doze, and when its device is greeted.
type dozingLine struct {
	Line
	mu    *sync.Mutex
	notes *[]string
}

func (l dozingLine) note(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(*l.notes); n == 0 || (*l.notes)[n-1] != what {
		*l.notes = append(*l.notes, what)
	}
}

func (l dozingLine) Doze(every time.Duration) { l.note(every.String()) }

func (l dozingLine) Greet(ctx context.Context) (Greeting, error) {
	l.note("greet")
	return l.Line.Greet(ctx)
}

// A line whose device is finished is looked at now and then only; it is awake again before the next run, and at once when a
// person asks for one.
func TestDozeAfterRun(t *testing.T) {
	for name, again := range map[string]func(b *Bench, d *fakeDevice) error{
		"retried": func(b *Bench, _ *fakeDevice) error { return b.Retry("s1") },
		"restarted": func(_ *Bench, d *fakeDevice) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.boots++
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				k.bench.Settle = 10 * time.Minute
				d := k.dev()
				var mu sync.Mutex
				var notes []string
				k.conn.wrap = func(l Line) Line { return dozingLine{l, &mu, &notes} }
				first := true
				k.on = func(b *Bench, e Event) {
					if _, ok := e.Body.(RunEnded); ok && first {
						first = false
						time.AfterFunc(time.Minute, func() {
							if err := again(b, d); err != nil {
								t.Errorf("again: got %v, want nil", err)
							}
							mu.Lock()
							defer mu.Unlock()
							if awake := notes[len(notes)-1] == "0s"; name == "retried" && !awake {
								t.Error("retried: the line sleeps on, want it read at once")
							}
						})
					}
				}
				k.play()
				if want := []string{"0s", "greet", "1s", "0s", "greet", "1s"}; !slices.Equal(notes, want) {
					t.Errorf("got %v, want %v", notes, want)
				}
			})
		})
	}
}
