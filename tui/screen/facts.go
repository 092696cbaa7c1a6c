package screen

import (
	"strconv"
	"strings"
	"time"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/widget"
)

const labelWidth = 15

// fact is one line of label and value; a value that is too long is cut, or wrapped where there is room for all.
func (v view) fact(label, value string) []string {
	if value == "" {
		return nil
	}
	w := v.columnWidth()
	room := w - labelWidth - 1
	head := v.Styles.Muted.Render(v.Fit(v.Text("fact."+label), labelWidth)) + " "
	if !v.full {
		return []string{head + v.Styles.Text.Render(v.Cut(value, room))}
	}
	var lines []string
	for i, part := range widget.Wrap(value, room) {
		if i > 0 {
			head = strings.Repeat(" ", labelWidth+1)
		}
		lines = append(lines, head+v.Styles.Text.Render(part))
	}
	return lines
}

// known is a fact's value; the words among the values go through the catalogue.
func (v view) known(name string) string {
	value := v.slot.Facts[name]
	switch name {
	case station.FactIDSource, station.FactCorroborated, station.FactKeyStore, station.FactProof, station.FactDeviceState:
		if value == "" {
			return ""
		}
		if text := v.Text("value." + value); text != "value."+value {
			return text
		}
	case station.FactDeviceClock, station.FactNotBefore, station.FactNotAfter:
		if at, err := time.Parse(time.RFC3339, value); err == nil {
			return at.In(v.now.Location()).Format("2006-01-02 15:04")
		}
	}
	return value
}

func (v view) identity() []string {
	s := v.slot
	lines := []string{v.heading("section.identity")}
	add := func(label, value string) { lines = append(lines, v.fact(label, value)...) }
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
	if s.State == board.Ended && s.End.TX+s.End.RX > 0 {
		add("wire", v.Text("wire.amount", "tx", strconv.FormatUint(s.End.TX, 10), "rx", strconv.FormatUint(s.End.RX, 10)))
	}
	return lines
}

func (v view) certificate() []string {
	s := v.slot
	var lines []string
	add := func(label, value string) { lines = append(lines, v.fact(label, value)...) }
	until := v.known(station.FactNotAfter)
	at, err := time.Parse(time.RFC3339, s.Facts[station.FactNotAfter])
	if err != nil && !s.End.NotAfter.IsZero() {
		at, err = s.End.NotAfter, nil
		until = at.In(v.now.Location()).Format("2006-01-02 15:04")
	}
	if err == nil {
		until = v.Left(at, v.now) + " (" + until + ")"
	}
	add("not_after", until)
	add("cert_serial", s.Facts[station.FactCertSerial])
	fingerprint := s.Facts[station.FactFingerprint]
	if fingerprint == "" {
		fingerprint = s.End.CertFingerprint
	}
	add("fingerprint", fingerprint)
	add("issuer", s.Facts[station.FactIssuer])
	lines = append(lines, v.chain()...)
	proof := v.known(station.FactProof)
	if proof == "" && s.State == board.Ended && s.End.Proof != station.NoProof {
		proof = v.Text("value." + string(s.End.Proof))
	}
	add("proof", proof)
	for _, name := range []string{station.FactMQTT, station.FactTLS, station.FactContract} {
		add(name, v.known(name))
	}
	if len(lines) == 0 {
		return nil
	}
	return append([]string{v.heading("section.certificate")}, lines...)
}

// chain is one line per certificate, the leaf first, each indented below the one it was issued by to the eye of a
// reader who goes from the device up to the root.
func (v view) chain() []string {
	chain := v.slot.Facts[station.FactChain]
	if chain == "" {
		return nil
	}
	if !v.full {
		return v.fact("chain", chain)
	}
	var lines []string
	for i, subject := range strings.Split(chain, " <- ") {
		head := strings.Repeat(" ", labelWidth+1)
		if i == 0 {
			head = v.Styles.Muted.Render(v.Fit(v.Text("fact.chain"), labelWidth)) + " "
		}
		if i > 0 {
			subject = strings.Repeat(" ", min(i-1, 4)) + "<- " + subject
		}
		lines = append(lines, v.Cut(head+v.Styles.Text.Render(subject), v.columnWidth()))
	}
	return lines
}

func (v view) tunnel() []string {
	lines := append(v.fact("tunnel_address", v.slot.Facts[station.FactTunnelAddress]),
		v.fact("wireguard_key", v.slot.Facts[station.FactWireGuardKey])...)
	if len(lines) == 0 {
		return nil
	}
	return append([]string{v.heading("section.tunnel")}, lines...)
}

// steps is every phase that was reached with its time, and the steps inside it.
func (v view) steps() []string {
	w := v.columnWidth()
	lines := []string{v.heading("section.phases")}
	for i, phase := range station.Phases() {
		p := v.slot.Phases[i]
		if p.Status == "" && !v.full {
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
