package baseline

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"provstation/serialproto/link"
)

// Classes of errors; a run's error wraps one of them, or the error of a line, a context, a disk or one of Work's functions.
var (
	// ErrAnswer: the device answered something else than the method calls for.
	ErrAnswer = errors.New("unexpected answer")
	// ErrRefused: the device carried a command out and says that it failed, or does not know it.
	ErrRefused = errors.New("command refused")
	// ErrReadBack: the device holds something else than what was sent.
	ErrReadBack = errors.New("read-back differs")
	// ErrTooLong: a line, command or answer is longer than the method has room for.
	ErrTooLong = errors.New("too long")
	// ErrPayload: the files to install cannot be put into the method's form.
	ErrPayload = errors.New("payload does not fit the method")
)

// Work is what a method has done for it; each is timed by the caller. Nothing but these functions is shared by the two sides.
type Work struct {
	DeviceID string                                               // common name; letters, digits, '.', '_', ':' and '-'
	MakeKey  func(ctx context.Context) (csrDER []byte, err error) // on the device
	Enroll   func(ctx context.Context, csr []byte) (Files, error) // at the bridge, by the station
	Prove    func(ctx context.Context) error                      // the device's own MQTT test, at a command
}

// Files is what the bridge gave for the device.
type Files struct {
	Leaf   []byte   // DER
	Chain  [][]byte // DER, in file order up to the root: the last one
	WGConf []byte   // text; a method that sends lines ends the last one
}

// Result counts what crossed the line, on the host's side.
type Result struct{ TxBytes, RxBytes uint64 }

// Where the models' MQTT broker is, and what is published there.
const (
	brokerHost = "broker.example.com"
	brokerPort = "8883"
	testTopic  = "v1/devices/me/telemetry"
	testText   = `{"test": 1}`
)

// method is one way: what the station does on its end, and the device on the other. The device ends when its context does.
type method struct {
	name   string
	host   func(ctx context.Context, s *stream, w Work) error
	device func(ctx context.Context, s *stream, d *disk, w Work) error
}

func methods() []method {
	return []method{
		{"heredoc", heredocHost, heredocDevice},
		{"at", atHost, atDevice},
		{"mcumgr", mcumgrHost, mcumgrDevice},
	}
}

// Methods names what Run knows: "heredoc", "at", "mcumgr".
func Methods() []string {
	var names []string
	for _, m := range methods() {
		names = append(names, m.name)
	}
	return names
}

// Run plays both sides of a method: the station on host, a model of the device on device, whose files are below dir and are
// on the disk (fsync) when the method says so to its user. It returns when both sides have ended; both transports remain
// open, without deadlines. An error is that of the side that failed first, and the result is zero then.
func Run(ctx context.Context, name string, host, device link.Transport, dir string, w Work) (Result, error) {
	for _, m := range methods() {
		if m.name == name {
			return m.run(ctx, host, device, dir, w)
		}
	}
	return Result{}, fmt.Errorf("baseline: no method %q: choose among %s", name, strings.Join(Methods(), ", "))
}

var errDone = errors.New("the station is done")

func (m method) run(ctx context.Context, host, device link.Transport, dir string, w Work) (Result, error) {
	if err := checkID(w.DeviceID); err != nil {
		return Result{}, fmt.Errorf("%s: %w", m.name, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w = telling(w, cancel)
	near, far := newStream(host), newStream(device)
	stop := context.AfterFunc(ctx, func() { near.interrupt(); far.interrupt() })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := m.device(ctx, far, newDisk(dir), w); err != nil {
			cancel(fmt.Errorf("device: %w", err)) // after errDone it changes nothing
		}
	}()
	if err := m.host(ctx, near, w); err != nil {
		cancel(err)
	}
	cancel(errDone)
	<-ended
	if !stop() {
		near.settled()
		far.settled()
	}
	if err := errors.Join(host.SetReadDeadline(time.Time{}), host.SetWriteDeadline(time.Time{}),
		device.SetReadDeadline(time.Time{}), device.SetWriteDeadline(time.Time{})); err != nil && errors.Is(context.Cause(ctx), errDone) {
		return Result{}, fmt.Errorf("%s: reset deadlines: %w", m.name, err)
	}
	if err := context.Cause(ctx); !errors.Is(err, errDone) {
		return Result{}, fmt.Errorf("%s: %w", m.name, err)
	}
	return Result{near.tx, near.rx}, nil
}

// telling ends the run by the error of what the device does for Work: over the line comes only that it failed.
func telling(w Work, cancel context.CancelCauseFunc) Work {
	makeKey, prove := w.MakeKey, w.Prove
	w.MakeKey = func(ctx context.Context) ([]byte, error) {
		csr, err := makeKey(ctx)
		if err != nil {
			cancel(fmt.Errorf("device: make key: %w", err))
		}
		return csr, err
	}
	w.Prove = func(ctx context.Context) error {
		err := prove(ctx)
		if err != nil {
			cancel(fmt.Errorf("device: prove: %w", err))
		}
		return err
	}
	return w
}

// checkID refuses what would need quoting in a shell, an AT command or a subject.
func checkID(id string) error {
	if id == "" || len(id) > 64 { // ub-common-name, RFC 5280 appendix A
		return fmt.Errorf("device id of %d bytes, want 1 to 64: %w", len(id), ErrPayload)
	}
	for _, r := range id {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-", r) {
			return fmt.Errorf("device id has %q: %w", r, ErrPayload)
		}
	}
	return nil
}

// enroll asks the bridge, after the check that it makes as well: a CSR is signed by its own key (RFC 2986 4.2), which is
// how damage on the line shows.
func enroll(ctx context.Context, w Work, csr []byte) (Files, error) {
	parsed, err := x509.ParseCertificateRequest(csr)
	if err == nil {
		err = parsed.CheckSignature()
	}
	if err != nil {
		return Files{}, fmt.Errorf("csr from the device: %w: %w", ErrAnswer, err)
	}
	files, err := w.Enroll(ctx, csr)
	if err != nil {
		return Files{}, fmt.Errorf("enroll: %w", err)
	}
	if len(files.Leaf) == 0 || len(files.Chain) == 0 {
		return Files{}, fmt.Errorf("bridge gave a leaf of %d bytes and %d other certificates: %w", len(files.Leaf), len(files.Chain), ErrPayload)
	}
	return files, nil
}

// certificates is PEM in lines of 64 characters (RFC 7468 2).
func certificates(ders ...[]byte) []byte {
	var out []byte
	for _, der := range ders {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}
