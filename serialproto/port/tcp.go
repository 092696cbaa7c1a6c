package port

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Schemes of ports that are behind a serial server.
const (
	schemeTCP     = "tcp://"
	schemeRFC2217 = "rfc2217://"
)

// A server that is cut off is noticed within 15 s: by keepalive while nothing
// is under way, by the limit on retries while something is.
const (
	dialPatience  = 5 * time.Second
	keepIdle      = 5 * time.Second
	keepInterval  = 3 * time.Second
	keepCount     = 3
	retryPatience = 12 * time.Second
)

// IsNetwork reports whether path names a port behind a serial server rather
// than one of this machine. What goes through it can be read by the network.
func IsNetwork(path string) bool {
	return strings.HasPrefix(path, schemeTCP) || strings.HasPrefix(path, schemeRFC2217)
}

// Reach connects to the serial server at path and hangs up again. Errors are
// those of [Open]; ErrBusy says that this machine has a connection to it.
func Reach(ctx context.Context, path string) error {
	l, err := dialServer(ctx, path)
	if err != nil {
		return newError("open", path, err)
	}
	if err := l.Close(); err != nil {
		return newError("close", path, err)
	}
	return nil
}

// tcpLine is the raw byte stream of a serial server.
type tcpLine struct {
	conn    *net.TCPConn
	hold    io.Closer // excludes a second connection to the same server
	stopped atomic.Bool
	heard   bool // something was read; owned by the reader
}

func openTCP(path string) (line, []byte, error) {
	l, err := dialServer(context.Background(), path)
	if err != nil {
		return nil, nil, err
	}
	return l, nil, nil
}

// dialServer connects to the first address of the server that answers. Each is
// held before it is dialled: many servers drop the client they have for a new
// one.
func dialServer(ctx context.Context, path string) (*tcpLine, error) {
	host, number, err := splitServer(path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, noServer(err)
	}
	err = &classed{ErrNotFound, "the name has no address"}
	for i, a := range addrs {
		at := netip.AddrPortFrom(a.Unmap(), number)
		hold, herr := holdAddress(at.String())
		if herr != nil {
			return nil, herr
		}
		conn, derr := dialOne(ctx, at, len(addrs)-i)
		if derr == nil {
			return &tcpLine{conn: conn, hold: hold}, nil
		}
		_ = hold.Close()
		err = noServer(derr)
	}
	return nil, err
}

// dialOne gives one of the addresses left its share of the time.
func dialOne(ctx context.Context, at netip.AddrPort, left int) (*net.TCPConn, error) {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/time.Duration(left))
		defer cancel()
	}
	d := net.Dialer{
		Control: limitRetries,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: keepIdle, Interval: keepInterval, Count: keepCount,
		},
	}
	c, err := d.DialContext(ctx, "tcp", at.String())
	if err != nil {
		return nil, err
	}
	conn, ok := c.(*net.TCPConn)
	if !ok {
		_ = c.Close()
		return nil, errors.New("not a TCP connection")
	}
	if err := conn.SetNoDelay(true); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// splitServer takes tcp://host:port apart.
func splitServer(path string) (host string, number uint16, err error) {
	if strings.HasPrefix(path, schemeRFC2217) {
		return "", 0, &classed{ErrUnsupported, "RFC 2217 is not spoken: have the serial server pass raw bytes, and use tcp://"}
	}
	bad := &classed{ErrNotSerial, "not of the form tcp://host:port"}
	host, text, err := net.SplitHostPort(strings.TrimPrefix(path, schemeTCP))
	if err != nil || host == "" || host != clean(host) {
		return "", 0, bad
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", 0, bad
	}
	return host, uint16(n), nil
}

// noServer says in few words why there is no server.
func noServer(err error) error {
	var errno syscall.Errno
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return &classed{ErrTooManyDescriptors, err.Error()}
	case errors.As(err, &dns) && dns.IsNotFound:
		return &classed{ErrNotFound, "the name is not known"}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &classed{ErrNotFound, "no answer from the serial server"}
	case errors.As(err, &errno):
		return &classed{ErrNotFound, "the serial server: " + errno.Error()}
	}
	return &classed{ErrNotFound, clean(err.Error())}
}

// Read implements line. Every way in which a connection ends is the way in
// which the port went.
func (l *tcpLine) Read(b []byte) (int, error) {
	n, err := l.conn.Read(b)
	if n > 0 && !l.heard {
		l.heard = true
		if speaksTelnet(b[:n]) {
			return 0, &classed{ErrNotSerial, "the server speaks telnet: have it pass raw bytes"}
		}
	}
	return n, l.failure(err)
}

// speaksTelnet recognises the option negotiation (RFC 854) that a server set to
// telnet or RFC 2217 opens with: IAC, WILL to DONT, and one of the options that
// such servers name first (binary, echo, suppress go-ahead, terminal type,
// linemode, COM port).
func speaksTelnet(b []byte) bool {
	return len(b) >= 3 && b[0] == 0xff && b[1] >= 0xfb && b[1] <= 0xfe && strings.IndexByte("\x00\x01\x03\x18\x22\x2c", b[2]) >= 0
}

// Write implements line.
func (l *tcpLine) Write(b []byte) (int, error) {
	if err := l.conn.SetWriteDeadline(time.Time{}); err != nil {
		return 0, errInterrupted
	}
	// After the deadline was lifted: interrupt sets the flag first.
	if l.stopped.Load() {
		return 0, errInterrupted
	}
	n, err := l.conn.Write(b)
	return n, l.failure(err)
}

func (l *tcpLine) failure(err error) error {
	switch {
	case err == nil:
		return nil
	case l.stopped.Load(), errors.Is(err, os.ErrDeadlineExceeded):
		return errInterrupted // only interrupt and cancelWrite set deadlines
	case errors.Is(err, io.EOF):
		return &classed{ErrGone, "the serial server closed the connection"}
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return &classed{ErrGone, "the serial server: " + errno.Error()}
	}
	return &classed{ErrGone, clean(err.Error())}
}

func (l *tcpLine) cancelWrite() { _ = l.conn.SetWriteDeadline(time.Unix(1, 0)) }

func (l *tcpLine) interrupt(hard bool) {
	l.stopped.Store(true)
	_ = l.conn.SetDeadline(time.Unix(1, 0))
	if hard {
		_ = l.conn.SetLinger(0) // what is still queued is of no use to anybody
	}
}

// Close implements line.
func (l *tcpLine) Close() error { return errors.Join(l.conn.Close(), l.hold.Close()) }
