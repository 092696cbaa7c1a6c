package wgcheck

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Way is who sees the handshake.
type Way string

// Ways.
const (
	ByDevice Way = "device"
	ByServer Way = "server"
	ByPing   Way = "ping"
)

// Step is one part of a check. The values are stable.
type Step string

// Steps. The device's way: conf, up, handshake. The server's: server, peer, handshake. The ping's: tunnel, ping. Each of
// them begins with key where the server's key is known.
const (
	StepKey       Step = "key"       // wg0.conf names the server's public key
	StepConf      Step = "conf"      // the device reads its wg0.conf
	StepUp        Step = "up"        // its interface comes up
	StepServer    Step = "server"    // the server's interface answers
	StepPeer      Step = "peer"      // it has the device as its peer
	StepHandshake Step = "handshake" // one was seen
	StepTunnel    Step = "tunnel"    // the station's own tunnel shakes hands
	StepPing      Step = "ping"      // the device answers through it
)

// StepResult is how a step went.
type StepResult struct {
	Step Step
	OK   bool
	Took time.Duration
}

// Reason classifies a failed check. The values are stable.
type Reason string

// The reasons.
const (
	// ServerUnreadable: the server's interface is not there, or may not be read.
	ServerUnreadable Reason = "server-unreadable"
	// ServerMisanswered: what answers there is no WireGuard interface.
	ServerMisanswered Reason = "server-misanswered"
	// WrongServerKey: the device's wg0.conf names another public key than the server's.
	WrongServerKey Reason = "wrong-server-key"
	// WrongPeerKey: the server has another public key for the device's address.
	WrongPeerKey Reason = "wrong-peer-key"
	// PeerMissing: the server does not know the device's key.
	PeerMissing Reason = "peer-missing"
	// WrongAddress: the server knows the key, with other addresses than the device has.
	WrongAddress Reason = "wrong-address"
	// NothingArrived: the server knows the device and never heard of it.
	NothingArrived Reason = "nothing-arrived"
	// Stale: the server heard of the device, but not lately.
	Stale Reason = "stale"
	// ClockBehind: the server has seen a later timestamp from this key than the device's clock shows now, and drops
	// whatever is older (whitepaper, section 5.1).
	ClockBehind Reason = "clock-behind"
	// NothingSent: the device's tunnel sent nothing.
	NothingSent Reason = "nothing-sent"
	// NoAnswer: the device sent, and nothing came back.
	NoAnswer Reason = "no-answer"
	// NameNotFound: the endpoint's name does not exist, or cannot be looked up where the tunnel is.
	NameNotFound Reason = "name-not-found"
	// BadConf: wg0.conf cannot be used for a tunnel.
	BadConf Reason = "bad-conf"
	// Unsupported: WireGuard is not to be had there.
	Unsupported Reason = "unsupported"
	// Denied: no permission to bring an interface up.
	Denied Reason = "denied"
	// UpFailed: the interface did not come up for another reason.
	UpFailed Reason = "up-failed"
	// OwnTunnel: the station's own tunnel got no handshake.
	OwnTunnel Reason = "own-tunnel"
	// NoReply: the station's tunnel works, and the device did not answer through it.
	NoReply Reason = "no-reply"
	// NotIdentified: neither key nor address of the device's tunnel is known.
	NotIdentified Reason = "not-identified"
	// Canceled: the caller's context was canceled.
	Canceled Reason = "canceled"
)

// Reasons lists them all.
func Reasons() []Reason {
	return []Reason{
		ServerUnreadable, ServerMisanswered, WrongServerKey, WrongPeerKey, PeerMissing, WrongAddress, NothingArrived, Stale,
		ClockBehind, NothingSent, NoAnswer, NameNotFound, BadConf, Unsupported, Denied, UpFailed, OwnTunnel, NoReply,
		NotIdentified, Canceled,
	}
}

var sentences = map[Reason]struct{ what, hint string }{
	ServerUnreadable:  {"the server's interface cannot be read", "name an interface that this user may read"},
	ServerMisanswered: {"what answers is no WireGuard interface", "name the server's interface"},
	WrongServerKey:    {"wg0.conf names another public key than the server's", "mend the server's key where the bridge has it, and enroll again"},
	WrongPeerKey:      {"the server has another key for the device's address", "give the server the key of this enrollment"},
	PeerMissing:       {"the server does not know the device's key", "add the device to the server, or have it read its peers anew"},
	WrongAddress:      {"the server has other addresses for the device's key", "mend the allowed addresses of the server's peer"},
	NothingArrived:    {"the server knows the device and has heard nothing of it", "see that the device's network leads to the endpoint of wg0.conf, over UDP"},
	Stale:             {"the last handshake is too old", "see that the device's tunnel is up"},
	ClockBehind:       {"the device's clock is behind the last handshake that the server saw", "set the device's clock"},
	NothingSent:       {"the device's tunnel sent nothing", "see that the device has a network and a route to the endpoint"},
	NoAnswer:          {"the device sent, and the server did not answer", "check the endpoint, the server's key in wg0.conf, and that the server knows the device's key"},
	NameNotFound:      {"the endpoint's name was not found", "check the name, and the name server where the tunnel is"},
	BadConf:           {"wg0.conf cannot be used", "enroll again"},
	Unsupported:       {"there is no WireGuard", "install the kernel module or wireguard-go"},
	Denied:            {"no permission to bring an interface up", "run the agent as root, or with CAP_NET_ADMIN"},
	UpFailed:          {"the interface did not come up", "look into the log"},
	OwnTunnel:         {"the station's own tunnel gets no handshake", "check the station's tunnel file and its network"},
	NoReply:           {"the device does not answer through the tunnel", "see that its tunnel is up, that it answers pings, and that the server passes packets between peers"},
	NotIdentified:     {"neither key nor address of the device's tunnel is known", "enroll the device again"},
	Canceled:          {"the check was canceled", ""},
}

// Error is a failed check. Every error that a check returns is one.
type Error struct {
	Way    Way
	Step   Step
	Reason Reason
	Detail string // what was seen: keys, addresses, counters. English, printable, no secret
	Err    error  // the cause, or nil
}

// Sentence says what happened, in English.
func (e *Error) Sentence() string {
	s := sentences[e.Reason].what
	if s == "" {
		s = string(e.Reason)
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Hint says what to do next, in English; empty where nothing is.
func (e *Error) Hint() string { return sentences[e.Reason].hint }

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("wireguard: %s: %s", e.Step, e.Sentence()) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf is the reason of a failed check, or "".
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ""
}

// canceled tells a caller who gave up from a check's own deadline.
func canceled(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }
