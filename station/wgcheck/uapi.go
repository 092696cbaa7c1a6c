package wgcheck

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Bounds of an answer. A server of 62,500 peers answers about 25 MB.
const (
	maxAnswer  = 64 << 20
	maxLine    = 512
	maxPeers   = 1 << 17
	maxAllowed = 1 << 12 // prefixes of one peer
)

// errUAPI says that an answer is not of the cross-platform protocol.
var errUAPI = errors.New("not the answer of a WireGuard interface")

// ParseUAPI reads what an interface answers to get=1 in the cross-platform configuration protocol, up to the empty line that
// ends it or the end of the input. Keys that are not known are passed over, as the protocol wants it. The private key is
// read for its public half alone, preshared keys not at all. Errors quote nothing of the answer.
func ParseUAPI(r io.Reader) (Interface, error) {
	p := uapiParser{}
	in := bufio.NewScanner(io.LimitReader(r, maxAnswer))
	in.Buffer(make([]byte, 0, maxLine), maxLine)
	line := 0
	for in.Scan() {
		if in.Text() == "" {
			return p.finish()
		}
		line++
		key, value, ok := strings.Cut(in.Text(), "=")
		if !ok {
			return Interface{}, fmt.Errorf("%w: line %d has no value", errUAPI, line)
		}
		if err := p.set(key, value); err != nil {
			return Interface{}, fmt.Errorf("%w: line %d: %w", errUAPI, line, err)
		}
	}
	if err := in.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return Interface{}, fmt.Errorf("%w: line %d is too long", errUAPI, line+1)
		}
		return Interface{}, fmt.Errorf("read the interface's answer: %w", err)
	}
	return p.finish()
}

type uapiParser struct {
	out   Interface
	errno bool
	code  int64
	sec   int64
	nsec  int64
}

func (p *uapiParser) finish() (Interface, error) {
	p.close()
	switch {
	case !p.errno: // the protocol ends each answer with it
		return Interface{}, fmt.Errorf("%w: it ends early", errUAPI)
	case p.code != 0:
		return Interface{}, fmt.Errorf("the interface answers with error %d", p.code)
	}
	return p.out, nil
}

// close finishes the open peer: seconds and nanoseconds come apart.
func (p *uapiParser) close() {
	if n := len(p.out.Peers); n > 0 && (p.sec != 0 || p.nsec != 0) {
		p.out.Peers[n-1].Handshake = time.Unix(p.sec, p.nsec)
	}
	p.sec, p.nsec = 0, 0
}

func (p *uapiParser) set(key, value string) (err error) {
	if key == "errno" {
		p.errno = true
		p.code, err = strconv.ParseInt(value, 10, 32)
		return bare(err)
	}
	if key == "public_key" {
		p.close()
		if len(p.out.Peers) == maxPeers {
			return errors.New("too many peers")
		}
		k, err := hexKey(value)
		p.out.Peers = append(p.out.Peers, Peer{PublicKey: k})
		return err
	}
	if len(p.out.Peers) == 0 {
		return p.setInterface(key, value)
	}
	return p.setPeer(&p.out.Peers[len(p.out.Peers)-1], key, value)
}

func (p *uapiParser) setInterface(key, value string) error {
	switch key {
	case "private_key":
		k, err := hexKey(value)
		if err == nil && k != (wgtypes.Key{}) {
			p.out.PublicKey = k.PublicKey()
		}
		return err
	case "listen_port":
		n, err := strconv.ParseUint(value, 10, 16)
		p.out.ListenPort = uint16(n)
		return bare(err)
	}
	return nil
}

func (p *uapiParser) setPeer(peer *Peer, key, value string) (err error) {
	switch key {
	case "endpoint":
		a, err := netip.ParseAddrPort(value)
		peer.Endpoint = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		return bare(err)
	case "allowed_ip":
		if len(peer.AllowedIPs) == maxAllowed {
			return errors.New("too many addresses")
		}
		a, err := netip.ParsePrefix(value)
		if err == nil {
			peer.AllowedIPs = append(peer.AllowedIPs, a.Masked())
		}
		return bare(err)
	case "last_handshake_time_sec":
		p.sec, err = number(value, math.MaxInt64)
	case "last_handshake_time_nsec":
		p.nsec, err = number(value, 999_999_999)
	case "rx_bytes":
		peer.Received, err = strconv.ParseUint(value, 10, 64)
	case "tx_bytes":
		peer.Sent, err = strconv.ParseUint(value, 10, 64)
	}
	return bare(err)
}

func number(value string, most int64) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, errors.New("not a number in its bounds")
	}
	return n, nil
}

// bare drops what an error quotes.
func bare(err error) error {
	if err == nil {
		return nil
	}
	return errors.New("not a value for its key")
}

func hexKey(value string) (k wgtypes.Key, err error) {
	if len(value) != 2*len(k) {
		return k, errors.New("not a key")
	}
	if _, err := hex.Decode(k[:], []byte(value)); err != nil {
		return wgtypes.Key{}, errors.New("not a key")
	}
	return k, nil
}
