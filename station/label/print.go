package label

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// Printer takes finished labels. Print returns nil once the label was handed over completely; whether paper came out, no
// raw printer says. It is safe for concurrent use: labels go one after the other.
type Printer interface {
	Print(ctx context.Context, label []byte) error
	String() string // where labels go, for people
}

// Limits of printing.
const (
	rawPort      = "9100"
	dialTimeout  = 5 * time.Second
	writeTimeout = 15 * time.Second
	drainTimeout = 500 * time.Millisecond
	maxDrain     = 4 << 10
)

// Errors of printing.
var (
	ErrEmptyLabel = errors.New("print label: it is empty")
	// ErrMaybePrinted says that the printer had the whole label when something went wrong: it may come out, or may not.
	ErrMaybePrinted = errors.New("the label may come out nevertheless")
)

// TCPPrinter prints to a raw TCP port: host:port or tcp://host:port; 9100 without a port.
func TCPPrinter(addr string) (Printer, error) {
	host := addr
	if strings.Contains(addr, "://") {
		u, err := url.Parse(addr)
		if err != nil || u.Scheme != "tcp" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("label printer %q: want tcp://host:port", clean(addr))
		}
		host = u.Host
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), rawPort
	}
	if name == "" || port == "" || clean(host) != host || strings.ContainsAny(name, " /") {
		return nil, fmt.Errorf("label printer %q: want tcp://host:port", clean(addr))
	}
	return &tcpPrinter{addr: net.JoinHostPort(name, port)}, nil
}

type tcpPrinter struct {
	addr string
	mu   sync.Mutex // a raw port takes one connection at a time
}

func (p *tcpPrinter) String() string { return "tcp://" + p.addr }

// Print writes the label, says that nothing follows, and reads what the printer has to say: closing with unread bytes would
// reset the connection, and with it drop what the printer had not taken yet.
func (p *tcpPrinter) Print(ctx context.Context, label []byte) error {
	if len(label) == 0 {
		return ErrEmptyLabel
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, dialTimeout+writeTimeout)
	defer cancel()
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return fmt.Errorf("print label: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := p.send(ctx, conn, label); err != nil {
		return fmt.Errorf("print label to %s: %w", p, err)
	}
	return nil
}

func (p *tcpPrinter) send(ctx context.Context, conn net.Conn, label []byte) error {
	if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	n, err := conn.Write(label)
	if err != nil {
		return fmt.Errorf("%d of %d bytes written: %w", n, len(label), errors.Join(err, ctx.Err()))
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil {
			return fmt.Errorf("end of label: %w; %w", err, ErrMaybePrinted)
		}
	}
	if err := conn.SetReadDeadline(time.Now().Add(drainTimeout)); err != nil {
		return fmt.Errorf("after the label: %w; %w", err, ErrMaybePrinted)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(conn, maxDrain))
	if ctx.Err() != nil {
		return fmt.Errorf("%w; %w", ctx.Err(), ErrMaybePrinted)
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("after the label: %w; %w", err, ErrMaybePrinted)
	}
	return nil
}
