package retire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station"
	"provstation/station/stepca"
	"provstation/station/wgcheck"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // constant

const device = "edge-0041"

// records is a ledger in memory.
type records struct {
	revocations []station.RevocationRow
	retirements []station.RetirementRow
	certs       []Certificate
	tunnel      Tunnel
	life        Life
	writes      int
	failAt      int // the write that fails, from 1; 0: none
	log         *[]string
}

var errDisk = errors.New("disk full")

// write counts a write, and fails the one that is to fail.
func (m *records) write(what string) error {
	m.writes++
	if m.writes == m.failAt {
		return errDisk
	}
	if m.log != nil {
		*m.log = append(*m.log, "record "+what)
	}
	return nil
}

func (m *records) RevocationBegun(_ context.Context, r station.Revocation) error {
	if slices.ContainsFunc(m.revocations, func(o station.RevocationRow) bool { return o.ID == r.ID }) {
		return nil
	}
	if err := m.write("revoke " + r.CertSerial); err != nil {
		return err
	}
	m.revocations = append(m.revocations, station.RevocationRow{Revocation: r})
	return nil
}

func (m *records) RevocationEnded(_ context.Context, id string, result station.IntentResult, at time.Time) error {
	for i, r := range m.revocations {
		if r.ID != id {
			continue
		}
		if r.Result != "" {
			return nil // the first result stays
		}
		if err := m.write(string(result) + " " + r.CertSerial); err != nil {
			return err
		}
		m.revocations[i].Result, m.revocations[i].EndedAt = result, at
		for j, c := range m.certs {
			good := result == station.ResultDone || result == station.ResultFound
			if good && c.RevokedAt.IsZero() && bytes.Equal(c.Fingerprint, r.Fingerprint) {
				m.certs[j].RevokedAt, m.certs[j].RevokeReason = at, r.Reason
			}
		}
		return nil
	}
	return station.ErrNotFound
}

func (m *records) Revocations(_ context.Context, tenant, deviceID, certSerial string) (list []station.RevocationRow, err error) {
	for _, r := range m.revocations {
		if r.Tenant == tenant && (certSerial == "" && r.DeviceID == deviceID || certSerial != "" && r.CertSerial == certSerial) {
			list = append(list, r)
		}
	}
	return list, nil
}

func (m *records) RetirementBegun(_ context.Context, r station.Retirement) (station.Retirement, error) {
	for _, row := range m.retirements {
		if row.DeviceID == r.DeviceID && row.EndedAt.IsZero() {
			return row.Retirement, nil
		}
	}
	if err := m.write("retirement"); err != nil {
		return station.Retirement{}, err
	}
	m.retirements = append(m.retirements, station.RetirementRow{Retirement: r})
	return r, nil
}

func (m *records) RetirementStep(_ context.Context, id string, s station.StepRecord) error {
	for i := range m.retirements {
		row := &m.retirements[i]
		if row.ID != id {
			continue
		}
		at := slices.IndexFunc(row.Steps, func(o station.StepRecord) bool { return o.Step == s.Step })
		if at >= 0 && row.Steps[at].State.Over() {
			return nil
		}
		if err := m.write(fmt.Sprintf("%s %s", s.Step, s.State)); err != nil {
			return err
		}
		if at < 0 {
			row.Steps = append(row.Steps, s)
		} else {
			row.Steps[at] = s
		}
		return nil
	}
	return station.ErrNotFound
}

func (m *records) RetirementEnded(_ context.Context, id string, at time.Time) error {
	for i := range m.retirements {
		if m.retirements[i].ID == id {
			if err := m.write("retired"); err != nil {
				return err
			}
			m.retirements[i].EndedAt = at
			return nil
		}
	}
	return station.ErrNotFound
}

func (m *records) Retirement(_ context.Context, _, deviceID string) (station.RetirementRow, error) {
	for _, row := range slices.Backward(m.retirements) {
		if row.DeviceID == deviceID {
			row.Steps = slices.Clone(row.Steps)
			return row, nil
		}
	}
	return station.RetirementRow{}, station.ErrNotFound
}

func (m *records) Certificates(_ context.Context, _, deviceID string) (list []Certificate, err error) {
	for _, c := range m.certs {
		if c.DeviceID == deviceID {
			list = append(list, c)
		}
	}
	return list, nil
}

func (m *records) Tunnel(context.Context, string, string) (Tunnel, error) { return m.tunnel, nil }

func (m *records) Life(context.Context, string, string) (Life, error) { return m.life, nil }

// authority is a CA in memory. answer, if not nil, is asked before each revocation, and lost says that the answer does not
// come back although the certificate is revoked.
type authority struct {
	revoked map[string]stepca.Reason
	fail    func(n int, serial string) (err error, lost bool)
	asked   int
	log     *[]string
}

func (a *authority) Revoke(_ context.Context, serial *big.Int, why stepca.Revocation) (stepca.Revoked, error) {
	a.asked++
	text := SerialText(serial)
	var lost bool
	if a.fail != nil {
		var err error
		if err, lost = a.fail(a.asked, text); err != nil && !lost {
			return stepca.Revoked{}, err
		}
	}
	_, already := a.revoked[text]
	if !already {
		a.revoked[text] = why.Reason
		if a.log != nil {
			*a.log = append(*a.log, "revoke "+text)
		}
	}
	if lost {
		return stepca.Revoked{}, unreachable
	}
	return stepca.Revoked{Already: already}, nil
}

var (
	unreachable = &stepca.Error{Op: stepca.OpRevoke, Host: "ca", Err: stepca.ErrUnreachable}
	refused     = &stepca.Error{Op: stepca.OpRevoke, Host: "ca", Status: 400, Err: stepca.ErrRefused}
)

// place is a server that lists devices.
type place struct {
	name    string
	devices map[string]bool
	fault   error
	log     *[]string
}

func (p *place) Remove(_ context.Context, id string) (bool, error) {
	if p.fault != nil {
		return false, p.fault
	}
	was := p.devices[id]
	delete(p.devices, id)
	if was {
		*p.log = append(*p.log, "delete in "+p.name)
	}
	return !was, nil
}

// vpn is a tunnel server's interface.
type vpn struct {
	wgcheck.Interface
	read, remove error
	stubborn     bool // takes a removal and keeps the peer
	log          *[]string
}

func (v *vpn) Read(context.Context) (wgcheck.Interface, error) {
	i := v.Interface
	i.Peers = slices.Clone(i.Peers)
	return i, v.read
}

func (v *vpn) Remove(_ context.Context, key wgtypes.Key) error {
	if v.remove != nil {
		return v.remove
	}
	if !v.stubborn {
		v.Peers = slices.DeleteFunc(v.Peers, func(p wgcheck.Peer) bool { return p.PublicKey == key })
		*v.log = append(*v.log, "remove peer")
	}
	return nil
}

// eraser is the way to devices that are connected.
type eraser struct {
	err error
	log *[]string
}

func (e *eraser) Erase(context.Context, string, string) error {
	if e.err == nil {
		*e.log = append(*e.log, "erase")
	}
	return e.err
}

// kit is a tenant with one device: everything that happens stands in log.
type kit struct {
	t       *testing.T
	log     []string
	records *records
	ca      *authority
	opened  int
	openErr error
	board   *place
	hawk    *place
	vpn     *vpn
	eraser  *eraser
	cfg     Config
}

func newKit(t *testing.T) *kit {
	k := &kit{t: t}
	key := newKey(t)
	addrs := addresses("10.8.0.9")
	k.records = &records{
		log: &k.log, tunnel: Tunnel{Keys: []wgtypes.Key{key}, Addresses: addrs},
		certs: []Certificate{
			{DeviceID: device, HardwareSerial: "HW-41", CertSerial: "03", Fingerprint: []byte{3}, NotAfter: start.Add(time.Hour), Present: true},
			{DeviceID: device, HardwareSerial: "HW-41", CertSerial: "02", Fingerprint: []byte{2}, NotAfter: start.Add(time.Hour), Orphan: "renewed"},
			{DeviceID: device, HardwareSerial: "HW-41", CertSerial: "01", Fingerprint: []byte{1}, NotAfter: start.Add(-time.Hour)},
			{DeviceID: "edge-0042", CertSerial: "77", Fingerprint: []byte{77}, NotAfter: start.Add(time.Hour), Present: true},
		},
	}
	k.ca = &authority{revoked: map[string]stepca.Reason{}, log: &k.log}
	k.board = &place{name: "thingsboard", devices: map[string]bool{device: true, "edge-0042": true}, log: &k.log}
	k.hawk = &place{name: "hawkbit", devices: map[string]bool{device: true, "edge-0042": true}, log: &k.log}
	k.vpn = &vpn{log: &k.log, Interface: wgcheck.Interface{PublicKey: newKey(t), Peers: []wgcheck.Peer{
		{PublicKey: key, AllowedIPs: prefixes("10.8.0.9/32")},
		{PublicKey: newKey(t), AllowedIPs: prefixes("10.8.0.10/32")},
	}}}
	k.eraser = &eraser{log: &k.log}
	k.cfg = Config{
		Tenant: "acme", StationID: "station", By: "Lea", Server: k.vpn, ServerName: "wg0", ThingsBoard: k.board, HawkBit: k.hawk,
		Eraser: k.eraser, Now: func() time.Time { return start },
	}
	return k
}

// retirer is a new process: it knows what is on record, and nothing else.
func (k *kit) retirer() *Retirer {
	return New(k.records, func(context.Context) (Authority, error) {
		k.opened++
		return k.ca, k.openErr
	}, k.cfg)
}

func (k *kit) order(i int) Order {
	return Order{Certificate: k.records.certs[i], Reason: stepca.KeyCompromise, Text: "stolen"}
}

func wantCode(t *testing.T, err error, want station.Code) {
	t.Helper()
	if f, ok := station.AsFault(err); !ok || f.Code != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
