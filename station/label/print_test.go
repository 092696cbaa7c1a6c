package label_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"provstation/station/label"
)

// rawPrinter is a printer's raw port: handle gets every connection.
func rawPrinter(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() { ln.Close(); conns.Wait() })
	return ln.Addr().String()
}

func tcpPrinter(t *testing.T, addr string) label.Printer {
	t.Helper()
	p, err := label.TCPPrinter(addr)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTCPPrinter(t *testing.T) {
	got := make(chan []byte, 8)
	addr := rawPrinter(t, func(c net.Conn) {
		_, _ = c.Write([]byte("\x02READY\x03")) // some say something: it must not harm
		b, err := io.ReadAll(c)
		if err != nil {
			t.Errorf("printer: %v", err)
		}
		got <- b
	})
	p := tcpPrinter(t, "tcp://"+addr)
	if want := "tcp://" + addr; p.String() != want {
		t.Errorf("got %s, want %s", p, want)
	}
	big := bytes.Repeat([]byte("^FX0123456789"), label.MaxLabel/13)
	var printing sync.WaitGroup
	for _, b := range [][]byte{[]byte("^XA^XZ"), big} {
		printing.Go(func() {
			if err := p.Print(t.Context(), b); err != nil {
				t.Errorf("print: %v", err)
			}
		})
	}
	printing.Wait()
	first, second := <-got, <-got
	if len(first)+len(second) != len(big)+6 {
		t.Errorf("got %d and %d bytes, want both labels whole", len(first), len(second))
	}
}

// Many printers keep the connection until it has been idle for a while: that is no failure.
func TestTCPPrinterKeepsOpen(t *testing.T) {
	done := make(chan struct{})
	addr := rawPrinter(t, func(c net.Conn) {
		_, _ = io.Copy(io.Discard, c)
		<-done
	})
	err := tcpPrinter(t, addr).Print(t.Context(), []byte("^XA^XZ"))
	close(done)
	if err != nil {
		t.Errorf("got %v, want a printed label", err)
	}
}

func TestTCPPrinterFails(t *testing.T) {
	t.Run("nobody there", func(t *testing.T) {
		ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
		var op *net.OpError
		if err := tcpPrinter(t, ln.Addr().String()).Print(t.Context(), []byte("x")); !errors.As(err, &op) || errors.Is(err, label.ErrMaybePrinted) {
			t.Errorf("got %v, want a *net.OpError and nothing printed", err)
		}
	})
	t.Run("reset in the middle", func(t *testing.T) {
		addr := rawPrinter(t, func(c net.Conn) {
			_, _ = io.ReadFull(c, make([]byte, 1))
			_ = c.(*net.TCPConn).SetLinger(0)
		})
		if err := tcpPrinter(t, addr).Print(t.Context(), bytes.Repeat([]byte("x"), 8<<20)); err == nil {
			t.Error("got no error, want one: the printer did not take all of it")
		}
	})
	t.Run("reset at the end", func(t *testing.T) {
		addr := rawPrinter(t, func(c net.Conn) {
			_, _ = io.Copy(io.Discard, c)
			_ = c.(*net.TCPConn).SetLinger(0)
		})
		if err := tcpPrinter(t, addr).Print(t.Context(), []byte("x")); !errors.Is(err, label.ErrMaybePrinted) {
			t.Errorf("got %v, want ErrMaybePrinted", err)
		}
	})
	t.Run("called off", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		addr := rawPrinter(t, func(c net.Conn) {
			_, _ = io.ReadFull(c, make([]byte, 1))
			cancel() // and read no more
			<-ctx.Done()
			_, _ = io.Copy(io.Discard, c)
		})
		err := tcpPrinter(t, addr).Print(ctx, bytes.Repeat([]byte("x"), 64<<20))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
	t.Run("nothing to print", func(t *testing.T) {
		if err := tcpPrinter(t, "127.0.0.1:9").Print(t.Context(), nil); !errors.Is(err, label.ErrEmptyLabel) {
			t.Errorf("got %v, want ErrEmptyLabel", err)
		}
	})
}

func TestTCPPrinterAddress(t *testing.T) {
	for in, want := range map[string]string{
		"tcp://192.0.2.20:9100": "tcp://192.0.2.20:9100", "192.0.2.20": "tcp://192.0.2.20:9100", "tcp://zebra": "tcp://zebra:9100",
		"tcp://[2001:db8::1]:9101": "tcp://[2001:db8::1]:9101", "tcp://zebra:6101/": "tcp://zebra:6101",
	} {
		p, err := label.TCPPrinter(in)
		if err != nil || p.String() != want {
			t.Errorf("%s: got %v, %v, want %s", in, p, err, want)
		}
	}
	for _, in := range []string{"", "tcp://", "http://zebra", "tcp://user:pw@zebra:9100", "tcp://zebra:9100/x", "tcp://zebra:9100?x=1", "zebra 1", "\x1b[2J", ":9100", "zebra:"} {
		if p, err := label.TCPPrinter(in); err == nil {
			t.Errorf("%q: got %v, want an error", in, p)
		} else if strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: got a control character in %q", in, err)
		}
	}
}

func TestCommandPrinterNeedsOne(t *testing.T) {
	for _, argv := range [][]string{nil, {""}, {" "}} {
		if p, err := label.CommandPrinter(argv); err == nil {
			t.Errorf("%q: got %v, want an error", argv, p)
		}
	}
	p, err := label.CommandPrinter([]string{"/nowhere/lp", "-o", "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if p.String() != "lp" {
		t.Errorf("got %s, want lp", p)
	}
	err = p.Print(t.Context(), []byte("x"))
	var e *label.CommandError
	if !errors.As(err, &e) || strings.Contains(fmt.Sprint(err), "secret") {
		t.Errorf("got %v, want a *CommandError without the arguments", err)
	}
	if err := p.Print(t.Context(), nil); !errors.Is(err, label.ErrEmptyLabel) {
		t.Errorf("got %v, want ErrEmptyLabel", err)
	}
}

const patience = 20 * time.Second // for what must happen at once
