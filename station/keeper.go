package station

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// keeper holds one port open for as long as it is there and starts a run when a device announces itself.
type keeper struct {
	b       *Bench
	port    PortInfo
	slot    string
	profile Profile

	mu        sync.Mutex
	line      Line // that listen waits on
	finished  chan struct{}
	cancelRun context.CancelCauseFunc // of the run in flight
	again     bool                    // a person asked for another run
	override  *Override               // of the next run
	task      Task                    // of the next run
	starting  bool                    // a run is about to begin
	last      *Announcement           // the device of the last run
	ended     RunEnded                // the last run's end
	held      Code                    // why the device that is there is not worked on, as it was said last
}

// done is closed when keep has returned.
func (k *keeper) done() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.finished == nil {
		k.finished = make(chan struct{})
	}
	return k.finished
}

// keep opens the port, again and again while it is there, until ctx ends. A port that went away without the system
// saying so (a pty whose other end closed) is tried again with growing pauses: nothing would announce its return.
func (k *keeper) keep(ctx context.Context) {
	done := k.done()
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		select {
		case <-done:
		default:
			close(k.finished)
		}
	}()
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 50*time.Millisecond, 2*time.Second
	var said Code
	for ctx.Err() == nil {
		line, err := k.b.connector.Open(ctx, k.port)
		if err == nil {
			if said != "" || k.last == nil {
				k.say("listening", "", "")
			}
			said = ""
			err = k.listen(ctx, line, pause)
			_ = line.Close()
		}
		if ctx.Err() != nil {
			break
		}
		if code, status := portStatus(err); code != said {
			said = code
			k.say(status, code, k.sentence(code, faultParams(err)))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause.NextBackOff()):
		}
	}
	if errors.Is(context.Cause(ctx), errUnplugged) {
		k.say("gone", CodePortGone, "")
	}
}

// portStatus puts a fault of a port into the words of a port event.
func portStatus(err error) (Code, string) {
	f, ok := AsFault(err)
	if !ok {
		return CodePortBad, "error"
	}
	switch f.Code {
	case CodePortBusy:
		return f.Code, "busy"
	case CodePortDenied:
		return f.Code, "denied"
	case CodePortGone:
		return f.Code, "gone"
	default:
		return f.Code, "error"
	}
}

func faultParams(err error) map[string]string {
	if f, ok := AsFault(err); ok {
		return f.Params
	}
	return nil
}

// sentence is what happened and what to do, in the station's language.
func (k *keeper) sentence(code Code, params map[string]string) string {
	message, next := k.b.runner.words.Fault(code, params)
	return strings.TrimSpace(message + " " + next)
}

func (k *keeper) say(status string, code Code, reason string) {
	k.b.hub.emit(PortSeen{Port: k.port.Path, Slot: k.slot, Status: status, Code: code, Reason: reason})
}

// listen waits for devices on an open line and runs them. It returns when the line is of no more use.
func (k *keeper) listen(ctx context.Context, line Line, pause *backoff.ExponentialBackOff) error {
	silent, ran := false, false
	k.mu.Lock()
	k.line = line
	k.mu.Unlock()
	for {
		wctx, cancel := ctx, context.CancelFunc(func() {})
		if !silent && k.last == nil { // else there is nothing to say of a silence, and nothing to wake up for
			wctx, cancel = context.WithTimeout(ctx, cmp.Or(k.profile.SilentAfter, k.b.cfg.SilentAfter))
		}
		a, err := line.Wait(wctx)
		cancel()
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			if !silent && k.last == nil {
				silent = true
				k.say("silent", CodePortSilent, k.sentence(CodePortSilent, map[string]string{"port": k.port.Path}))
			}
			continue
		}
		pause.Reset()
		silent = false
		if !k.wants(a) {
			doze(line, idleEvery)
			if k.asked() { // just now: whoever asked found the line awake
				doze(line, 0)
			}
			continue
		}
		doze(line, 0)
		if only := k.b.cfg.Only; only != nil && !only(a) {
			k.hold(CodeHeldOther, map[string]string{"hardware_serial": a.HardwareSerial})
			continue
		}
		t, held, params, ok := k.b.begin(ctx)
		if !ok {
			k.hold(held, params)
			continue
		}
		waited := k.held != ""
		k.held = ""
		t.override, t.task, t.serial = k.took(a)
		heard := line.FirstByte()
		if ran || waited { // the line's first byte was an earlier run's, or the bench was held since
			heard = k.b.now().UTC()
		}
		ran = true
		if gone := k.run(ctx, line, a, heard, t); gone != nil {
			return gone
		}
	}
}

// A Dozer is a line that need not be listened to all the time.
type Dozer interface {
	// Doze says how often it is enough to look what has come; 0: at once. Any goroutine may call it.
	Doze(every time.Duration)
}

// idleEvery is how often a line is looked at whose device has had its run and announces itself on: a restart is noticed
// that much later, which is little beside the change of a board. At each announcement of 64 devices, an idle station would
// take a tenth of a core; most of what is left of that is the price of a look.
const idleEvery = time.Second

func doze(line Line, every time.Duration) {
	if d, ok := line.(Dozer); ok {
		d.Doze(every)
	}
}

// asked reports whether a person wants another run.
func (k *keeper) asked() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.again
}

// wants decides whether an announcement starts a run: a device not seen on this port, one that was restarted (it may be
// another board with the same serial, or an emptied one: a finished device is soon SKIPPED), or a person's wish.
func (k *keeper) wants(a Announcement) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.again, k.last == nil, k.last.HardwareSerial != a.HardwareSerial:
		return true
	case k.last.BootID == "": // the end of a restart that the last run failed with
		k.last.BootID = a.BootID
		return false
	default:
		return k.last.BootID != a.BootID
	}
}

// took notes that the announcement starts a run, and gives what a lead released for it and what a person asked for, with the
// hardware that it was given for: it holds for no other.
func (k *keeper) took(a Announcement) (o *Override, task Task, serial string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended.HardwareSerial == a.HardwareSerial {
		o, task, serial = k.override, k.task, a.HardwareSerial
	}
	k.again, k.override, k.task, k.last, k.starting = false, nil, TaskProvision, &a, true
	return o, task, serial
}

// busy reports whether a run is in flight or about to be. k.mu is held.
func (k *keeper) busy() bool { return k.cancelRun != nil || k.starting }

// hold says, once, why the device that is there is not worked on.
func (k *keeper) hold(code Code, params map[string]string) {
	if code == "" || code == k.held {
		return
	}
	k.held = code
	k.say("held", code, k.sentence(code, params))
}

// device is what the last run found out about its device, while that is there.
func (k *keeper) device() (id, serial string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == nil {
		return "", ""
	}
	if k.ended.HardwareSerial == k.last.HardwareSerial {
		id = k.ended.DeviceID
	}
	return id, k.last.HardwareSerial
}

// run does one run of the device that was first heard at the given time. It returns an error when the port went away
// under it.
func (k *keeper) run(ctx context.Context, line Line, a Announcement, heard time.Time, t ticket) error {
	rctx, cancel := context.WithCancelCause(ctx)
	k.mu.Lock()
	k.cancelRun, k.starting = cancel, false
	k.mu.Unlock()
	end, boot, err := k.b.runner.run(rctx, k.b, k.port, k.profile, line, a, heard, t)
	if boot != "" { // a restart that the run saw is no news after it
		a.BootID = boot
	}
	if errors.Is(err, ErrDeviceReset) { // the run ended before it saw the device start again
		a.BootID = ""
	}
	k.mu.Lock()
	k.cancelRun = nil
	k.last, k.ended = &a, end
	k.mu.Unlock()
	cancel(nil)
	if f, ok := AsFault(err); ok && (f.Code == CodePortGone || f.Code == CodePortStuck) {
		if f.Code == CodePortGone {
			k.mu.Lock()
			k.last = nil // whatever is plugged in next is new
			k.mu.Unlock()
		}
		k.b.ended(end)
		return f
	}
	k.b.ended(end)
	return nil
}

func (k *keeper) retry() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy() {
		return &Fault{Code: CodeSlotRunning, Params: map[string]string{"slot": k.slot}}
	}
	if k.last == nil {
		return &Fault{Code: CodeSlotEmpty, Params: map[string]string{"slot": k.slot}}
	}
	k.tryAgain()
	return nil
}

// tryAgain has the last run made once more, for what it was for. k.mu is held.
func (k *keeper) tryAgain() {
	k.again = true
	doze(k.line, 0)
	if k.task == TaskProvision { // what a person has asked for since counts
		k.task = k.ended.retried()
	}
}

func (k *keeper) abort() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cancelRun == nil {
		return &Fault{Code: CodeSlotIdle, Params: map[string]string{"slot": k.slot}}
	}
	k.cancelRun(errAborted)
	return nil
}
