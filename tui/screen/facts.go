package screen

import (
	"math"
	"strconv"
	"strings"
	"time"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/widget"
)

const labelWidth = 15

// fact is one line of label and value; a value that is too long is cut, or wrapped where there is room for all.
func (v view) fact(label, value string, w int) []string {
	if value == "" {
		return nil
	}
	if v.full {
		return labelled(v.Look, v.Text("fact."+label), value, labelWidth, w)
	}
	head := v.Styles.Muted.Render(v.Fit(v.Text("fact."+label), labelWidth)) + " "
	return []string{head + v.Styles.Text.Render(v.Cut(value, w-labelWidth-1))}
}

// known is a fact's value; the words among the values go through the catalogue.
func (v view) known(name string) string {
	value := v.slot.Facts[name]
	switch name {
	case station.FactIDSource, station.FactCorroborated, station.FactKeyStore, station.FactProof, station.FactProofBy,
		station.FactDeviceState:
		if value == "" {
			return ""
		}
		if text := v.Text("value." + value); text != "value."+value {
			return text
		}
	case station.FactClockOffset:
		return offset(value)
	case station.FactRenewedBy, station.FactUnlocked:
		if text := v.Text("value." + value); value != "" && text != "value."+value {
			return text
		}
	case station.FactDeviceClock, station.FactNotBefore, station.FactNotAfter, station.FactTunnelHandshake, station.FactPreviousEnd, station.FactRenewalNext:
		if at, err := time.Parse(time.RFC3339, value); err == nil {
			return at.In(v.now.Location()).Format("2006-01-02 15:04")
		}
	}
	return value
}

// offset is how far a clock is ahead of another one, behind it with a minus: the text of a duration, as people write it.
func offset(value string) string {
	d, err := time.ParseDuration(value)
	if err != nil {
		return value
	}
	sign := ""
	if d < 0 {
		sign, d = "-", -max(d, -math.MaxInt64)
	}
	const day = 24 * time.Hour
	if d >= 2*day {
		return sign + strconv.FormatInt(int64(d/day), 10) + " d"
	}
	return sign + widget.Milliseconds(d)
}

func (v view) identity(w int) []string {
	s := v.slot
	lines := []string{v.heading("section.identity")}
	add := func(label, value string) { lines = append(lines, v.fact(label, value, w)...) }
	id := s.DeviceID
	if source := v.known(station.FactIDSource); id != "" && source != "" {
		id += " (" + source + ")"
	}
	add("device_id", id)
	add("hardware_serial", s.HardwareSerial)
	add("corroborated", v.known(station.FactCorroborated))
	model := s.Facts[station.FactModel]
	if fw := s.Facts[station.FactFirmware]; fw != "" {
		model = strings.TrimSpace(model + " " + fw)
	}
	add("model", model)
	add("profile", v.known(station.FactProfile))
	key := s.Facts[station.FactKeyType]
	if store := v.known(station.FactKeyStore); store != "" {
		key = strings.TrimPrefix(key+", "+store, ", ")
	}
	add("key_type", key)
	for _, name := range []string{
		station.FactSPKI, station.FactDeviceState, station.FactDeviceClock, station.FactClockOffset,
	} {
		add(name, v.known(name))
	}
	add("port", s.Port)
	if !v.full {
		add("wire", v.amount())
	}
	add("operator", s.Operator)
	add("batch", s.Batch)
	return lines
}

// amount is how many bytes crossed the line, once that is known.
func (v view) amount() string {
	e := v.slot.End
	if v.slot.State != board.Ended || e.TX+e.RX == 0 {
		return ""
	}
	return v.Text("wire.amount", "tx", strconv.FormatUint(e.TX, 10), "rx", strconv.FormatUint(e.RX, 10))
}

func (v view) certificate(w int) []string {
	s := v.slot
	var lines []string
	add := func(label, value string) { lines = append(lines, v.fact(label, value, w)...) }
	if v.full {
		lines = append(lines, tree(v.Look, factChain(s.Facts), v.now, w)...)
	}
	add("not_after", v.until())
	if v.full {
		add("not_before", v.known(station.FactNotBefore))
	}
	add("cert_serial", s.Facts[station.FactCertSerial])
	fingerprint := s.Facts[station.FactFingerprint]
	if fingerprint == "" {
		fingerprint = s.End.CertFingerprint
	}
	add("fingerprint", fingerprint)
	add("issuer", s.Facts[station.FactIssuer])
	if !v.full {
		add("chain", s.Facts[station.FactChain])
	}
	proof := v.known(station.FactProof)
	if proof == "" && s.State == board.Ended && s.End.Proof != station.NoProof {
		proof = v.Text("value." + string(s.End.Proof))
	}
	add("proof", proof)
	if v.full || v.known(station.FactProofBy) != v.Text("value.station") { // the ordinary way is not worth a line
		add("proof_by", v.known(station.FactProofBy))
	}
	for _, name := range []string{station.FactMQTT, station.FactTLS, station.FactContract} {
		add(name, v.known(name))
	}
	names := []string{station.FactRenewedBy, station.FactPreviousEnd, station.FactRenewalNext}
	if v.full {
		names = append(names, station.FactPrevious, station.FactTokensLeft, station.FactUnlocked, station.FactRenewalURL)
	}
	for _, name := range names {
		add(name, v.known(name))
	}
	if len(lines) == 0 {
		return nil
	}
	return append([]string{v.heading("section.certificate")}, lines...)
}

// until is how long the device's certificate is good for.
func (v view) until() string {
	at := v.slot.NotAfter()
	if at.IsZero() {
		return v.slot.Facts[station.FactNotAfter]
	}
	return v.Left(at, v.now) + " (" + at.In(v.now.Location()).Format("2006-01-02 15:04") + ")"
}

// tunnel is the tunnel's address and key, what was seen of it, and its settings where there is room for them.
func (v view) tunnel(w int) []string {
	facts := v.slot.Facts
	lines := append(v.fact("tunnel_address", facts[station.FactTunnelAddress], w),
		v.fact("wireguard_key", facts[station.FactWireGuardKey], w)...)
	lines = append(lines, v.fact("tunnel_handshake", v.known(station.FactTunnelHandshake), w)...)
	lines = append(lines, v.fact("tunnel_round_trip", facts[station.FactTunnelRoundTrip], w)...)
	if conf := facts[station.FactTunnelConf]; v.full && conf != "" {
		lines = append(append(lines, ""), v.Styles.Muted.Render("wg0.conf"))
		lines = append(lines, confLines(v.Look, conf, w)...)
		lines = append(lines, wrapped(v.Styles.Muted, v.Text("tunnel.hidden"), w)...)
	}
	if len(lines) == 0 {
		return nil
	}
	return append([]string{v.heading("section.tunnel")}, lines...)
}

// steps is every phase that was reached with its time, and the steps inside it.
func (v view) steps(w int) []string {
	lines := []string{v.heading("section.phases")}
	for i, phase := range station.Phases() {
		p := v.slot.Phases[i]
		if p.Status == "" && (!v.full || v.left(phase)) {
			continue
		}
		elapsed := ""
		switch p.Status {
		case "", station.PhaseSkipped:
		default:
			elapsed = widget.Milliseconds(v.slot.PhaseTime(i, v.now))
		}
		name := v.Styles.Text
		if p.Status == "" || p.Status == station.PhaseSkipped {
			name = v.Styles.Muted
		}
		lines = append(lines, v.Ends(v.PhaseSign(p)+" "+name.Render(v.Text("phase."+string(phase))), v.Styles.Muted.Render(elapsed), min(w, 48)))
		for _, st := range v.slot.Steps {
			if st.Phase == phase {
				lines = append(lines, v.step(st, min(w, 48)))
			}
		}
	}
	return lines
}

// left reports whether a phase that was not reached is none of this run's: at the CA, or in its place at the bridge.
func (v view) left(p station.Phase) bool {
	atCA := v.slot.Task == station.TaskRenew || v.slot.Task == station.TaskRekey
	switch p {
	case station.PhaseEnroll:
		return atCA
	case station.PhaseRenew:
		return !atCA
	default:
		return p.Rare()
	}
}

func (v view) step(st board.Step, w int) string {
	name := v.Text("step." + st.Name)
	if name == "step."+st.Name {
		name = st.Name
	}
	sign := v.Styles.Good.Render(v.Signs.Done)
	if !st.OK {
		sign = v.Styles.Bad.Render(v.Signs.Failed)
	}
	return v.Ends("  "+sign+" "+v.Styles.Muted.Render(name), v.Styles.Muted.Render(widget.Milliseconds(st.Took)), w)
}
