package mqttcheck

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
)

// Every alert number is read back from what crypto/tls makes of it.
func TestRemoteAlert(t *testing.T) {
	for n := 1; n < 256; n++ {
		client, server := net.Pipe()
		go func() {
			defer func() { _ = server.Close() }()
			header := make([]byte, 5)
			if _, err := io.ReadFull(server, header); err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, server, int64(header[3])<<8|int64(header[4])); err != nil {
				return
			}
			// A fatal alert in a record of TLS 1.2 (RFC 8446 5.1, 6).
			_, _ = server.Write([]byte{21, 3, 3, 0, 2, 2, byte(n)})
		}()
		err := tls.Client(client, &tls.Config{ServerName: "broker.test"}).HandshakeContext(t.Context())
		_ = client.Close()
		got, ok := remoteAlert(fmt.Errorf("wrapped: %w", err))
		if !ok || got != uint8(n) {
			t.Errorf("got alert %d, %v from %v, want %d", got, ok, err, n)
		}
		if alertWords(uint8(n)) == "" {
			t.Errorf("got no words for alert %d", n)
		}
	}
	for _, err := range []error{
		nil, io.EOF, errors.New("remote error: tls: bad certificate"), &net.OpError{Op: "remote error"},
		&net.OpError{Op: "read", Err: tls.AlertError(42)}, &net.OpError{Op: "remote error", Err: io.EOF},
	} {
		if n, ok := remoteAlert(err); ok {
			t.Errorf("got alert %d from %v, want none", n, err)
		}
	}
}
