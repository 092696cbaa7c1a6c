package station

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
	"time"

	"provstation/station/mqttcheck"
)

// The NDJSON contract: field names, their order, and what is left out when empty.
func TestEventJSON(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.FixedZone("CET", 3600))
	notAfter := at.Add(24 * time.Hour).Truncate(time.Second).UTC()
	const head = `{"seq":7,"time":"2026-11-23T11:00:00.123456Z","type":`
	rows := []struct {
		body Body
		want string
	}{
		{
			StationInfo{Schema: 1, StationID: "id", Station: "bench", Tenant: "acme", Version: "1", ConfigDigest: "d", Bridge: "https://b", Broker: "m:8883"},
			`"station","schema":1,"station_id":"id","station":"bench","tenant":"acme","version":"1","config_digest":"d","bridge":"https://b","broker":"m:8883"}`,
		},
		{PortSeen{Port: "/dev/x", Status: "listening"}, `"port","port":"/dev/x","status":"listening"}`},
		{
			PortSeen{Port: "/dev/x", Slot: "s1", Status: "busy", Code: CodePortBusy, Reason: "held"},
			`"port","port":"/dev/x","slot":"s1","status":"busy","code":"E-PORT-BUSY","reason":"held"}`,
		},
		{RunStarted{Run: "r", Attempt: 1, Slot: "s1", Port: "/dev/x"}, `"run-start","run":"r","attempt":1,"slot":"s1","port":"/dev/x"}`},
		{
			PhaseChanged{Run: "r", Attempt: 1, Slot: "s1", Phase: PhaseClock, Status: PhaseStarted},
			`"phase","run":"r","attempt":1,"slot":"s1","phase":"clock","status":"started","elapsed_ms":0}`,
		},
		{
			PhaseChanged{
				Run: "r", Attempt: 1, Slot: "s1", DeviceID: "d", Phase: PhaseMQTT, Status: PhaseFailed, ElapsedMS: 5, Step: "tcp",
				Code: CodeBrokerRefused, Params: map[string]string{"broker": "m"}, Facts: map[string]string{FactProof: "x"},
				Warnings: []Warning{{Code: CodeWGWarn, Text: "t"}},
			},
			`"phase","run":"r","attempt":1,"slot":"s1","device_id":"d","phase":"mqtt","status":"failed","elapsed_ms":5,"step":"tcp",` +
				`"code":"E-BROKER-REFUSED","params":{"broker":"m"},"facts":{"proof":"x"},"warnings":[{"code":"W-WG","text":"t"}]}`,
		},
		{
			RunEnded{
				Run: "r", Attempt: 2, Slot: "s1", Port: "/dev/x", Outcome: Pass, Proof: BrokerDelivered, DeviceID: "d",
				HardwareSerial: "SN", CertFingerprint: "ff", NotAfter: &notAfter, Contract: "deployed", ElapsedMS: 9, WireTxBytes: 1, WireRxBytes: 2,
			},
			`"run-end","run":"r","attempt":2,"slot":"s1","port":"/dev/x","outcome":"PASS","proof":"broker-delivered","device_id":"d",` +
				`"hardware_serial":"SN","cert_fingerprint":"ff","not_after":"2026-11-24T11:00:00Z","contract":"deployed","elapsed_ms":9,` +
				`"wire_tx_bytes":1,"wire_rx_bytes":2}`,
		},
		{
			RunEnded{
				Run: "r", Slot: "s1", Port: "/dev/x", Outcome: Error, Phase: PhaseEnroll, Code: CodeBridgeDown,
				Params: map[string]string{"reason": "x"}, Message: "m", Hint: "h",
			},
			`"run-end","run":"r","attempt":0,"slot":"s1","port":"/dev/x","outcome":"ERROR","phase":"enroll","code":"E-BRIDGE-DOWN",` +
				`"params":{"reason":"x"},"message":"m","hint":"h","elapsed_ms":0,"wire_tx_bytes":0,"wire_rx_bytes":0}`,
		},
		{
			Summary{Devices: 8, Pass: 1, Fail: 1, Error: 1, Timeout: 1, Aborted: 1, Installed: 1, Skipped: 1, Uncertain: 1, ElapsedMS: 3},
			`"summary","devices":8,"pass":1,"fail":1,"error":1,"timeout":1,"aborted":1,"installed":1,"skipped":1,"uncertain":1,"elapsed_ms":3}`,
		},
	}
	for _, row := range rows {
		got, err := Event{Seq: 7, Time: at, Body: row.body}.MarshalJSON()
		if err != nil || string(got) != head+row.want {
			t.Errorf("%T:\ngot  %s, %v\nwant %s", row.body, got, err, head+row.want)
		}
	}
	if got, err := (Event{Seq: 1}).MarshalJSON(); err == nil {
		t.Errorf("an event without a body: got %s, want an error", got)
	}
}

func TestSummaryCountsEveryOutcome(t *testing.T) {
	var s Summary
	for _, o := range append(Outcomes(), "NEW") {
		s.Count(o)
	}
	want := Summary{Devices: 10, Pass: 1, Fail: 1, Error: 2, Timeout: 1, Aborted: 1, Installed: 1, Skipped: 1, Uncertain: 1, Collected: 1}
	if s != want {
		t.Errorf("got %+v, want %+v: what is unknown counts as an error", s, want)
	}
}

// constants reads the string constants of a type out of a package's source.
func constants(t *testing.T, dir, typ string) (list []string) {
	t.Helper()
	fset := token.NewFileSet()
	pkgs, err := parser.ParseDir(fset, dir, nil, 0) //nolint:staticcheck // one folder, no build tags matter
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range pkgs {
		ast.Inspect(pkg, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if id, ok := v.Type.(*ast.Ident); !ok || id.Name != typ {
				return true
			}
			for _, e := range v.Values {
				if lit, ok := e.(*ast.BasicLit); ok {
					s, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					list = append(list, s)
				}
			}
			return true
		})
	}
	return list
}

// Every way to fail at the broker has its fault; two are the run's own matter.
func TestEveryBrokerReason(t *testing.T) {
	reasons := constants(t, "mqttcheck", "Reason")
	if len(reasons) < 19 {
		t.Fatalf("got %d reasons, want all that mqttcheck knows", len(reasons))
	}
	own := []string{string(mqttcheck.Canceled), string(mqttcheck.SignerFailed)}
	for _, r := range reasons {
		if _, ok := brokerFaults[mqttcheck.Reason(r)]; ok == slices.Contains(own, r) {
			t.Errorf("reason %s: got a row %v, want exactly one way to judge it", r, ok)
		}
	}
	if len(brokerFaults) != len(reasons)-len(own) {
		t.Errorf("got %d rows, want %d", len(brokerFaults), len(reasons)-len(own))
	}
}

// A broker that is busy or shutting down says nothing about the device: that is no FAIL.
func TestBrokerTooBusy(t *testing.T) {
	rows := []struct {
		protocol mqttcheck.Protocol
		code     byte
		outcome  Outcome
		class    Class
	}{
		{mqttcheck.Protocol5, 0x87, Fail, Permanent},
		{mqttcheck.Protocol5, 0x85, Fail, Permanent},
		{mqttcheck.Protocol5, 0x88, Error, Passing},
		{mqttcheck.Protocol5, 0x89, Error, Passing},
		{mqttcheck.Protocol5, 0x8B, Error, Passing},
		{mqttcheck.Protocol5, 0x97, Error, Passing},
		{mqttcheck.Protocol5, 0x9F, Error, Passing},
		{mqttcheck.Protocol311, 3, Error, Passing},
		{mqttcheck.Protocol311, 5, Fail, Permanent},
	}
	for _, row := range rows {
		err := brokerFault(&mqttcheck.Error{Reason: mqttcheck.ConnackRefused, Protocol: row.protocol, Code: row.code}, "b")
		f, ok := AsFault(err)
		if !ok || f.Code != CodeBrokerConnack || f.Outcome != row.outcome || f.Class != row.class {
			t.Errorf("%s code 0x%02x: got %+v, want %s, %s", row.protocol, row.code, f, row.outcome, row.class)
		}
	}
}

// A signer that failed is the line's matter: its own error counts.
func TestSignerFailed(t *testing.T) {
	wrap := func(err error) error { return &mqttcheck.Error{Reason: mqttcheck.SignerFailed, Err: err} }
	if err := brokerFault(wrap(ErrDeviceReset), "b"); err == nil || !isReset(err) {
		t.Errorf("got %v, want the reset itself", err)
	}
	if f, ok := AsFault(brokerFault(wrap(goneFault("/dev/x")), "b")); !ok || f.Code != CodePortGone {
		t.Errorf("got %v, want E-PORT-GONE", f)
	}
	if err := brokerFault(wrap(context.DeadlineExceeded), "b"); !errors.Is(err, ErrSessionLost) {
		t.Errorf("got %v, want a lost session: the device was slow, not bad", err)
	}
	if f, ok := AsFault(brokerFault(wrap(nil), "b")); !ok || f.Code != CodeAgentError || f.Outcome != Fail {
		t.Errorf("got %v, want E-AGENT-ERROR", f)
	}
}

func isReset(err error) bool {
	_, fault := AsFault(err)
	return !fault
}
