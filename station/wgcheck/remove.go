package wgcheck

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Peers is an interface whose peers can be read and taken away.
type Peers interface {
	Source
	// Remove takes a peer away. One that is not there is no error. The interface forgets it at once; what brings it up the
	// next time (wg-quick's file) does not.
	Remove(ctx context.Context, key wgtypes.Key) error
}

// PeersAt is the interface with a name, or that behind the socket at an absolute path.
func PeersAt(where string) Peers {
	if filepath.IsAbs(where) {
		return Socket(where)
	}
	return Named(where)
}

// Remove takes a peer away by wgctrl.
func (n Named) Remove(ctx context.Context, key wgtypes.Key) error {
	done := make(chan error, 1)
	go func() { done <- n.remove(key) }() // as in Read
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("remove a peer of %s: %w", n, ctx.Err())
	}
}

func (n Named) remove(key wgtypes.Key) error {
	c, err := wgctrl.New()
	if err != nil {
		return fmt.Errorf("remove a peer of %s: %w", n, err)
	}
	defer c.Close()
	err = c.ConfigureDevice(string(n), wgtypes.Config{
		Peers: []wgtypes.PeerConfig{{PublicKey: key, UpdateOnly: true, Remove: true}},
	})
	if err != nil {
		return fmt.Errorf("remove a peer of %s: %w", n, err)
	}
	return nil
}

// Remove asks the program to take a peer away.
func (s Socket) Remove(ctx context.Context, key wgtypes.Key) error {
	const doing = "remove a peer at the interface's socket: %w"
	ctx, cancel := context.WithTimeout(ctx, socketPatience)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", string(s))
	if err != nil {
		return fmt.Errorf(doing, err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err = io.WriteString(c, "set=1\npublic_key="+hex.EncodeToString(key[:])+"\nupdate_only=true\nremove=true\n\n")
	if err == nil {
		err = readErrno(c)
	}
	if err != nil {
		return fmt.Errorf(doing, errors.Join(ctx.Err(), err))
	}
	return nil
}

// readErrno reads what an interface answers to set=1: errno alone, then an empty line.
func readErrno(r io.Reader) error {
	line, err := bufio.NewReaderSize(io.LimitReader(r, maxLine), maxLine).ReadString('\n')
	if err != nil {
		return fmt.Errorf("%w: it ends early", errUAPI)
	}
	value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "errno=")
	n, err := number(strings.TrimPrefix(value, "-"), 1<<31)
	switch {
	case !ok || err != nil:
		return errUAPI
	case n != 0:
		return fmt.Errorf("the interface answers with error %d", n)
	}
	return nil
}
