package main

import (
	"time"

	"provstation/station"
	"provstation/station/ledger"
)

// detailJSON is what `records show --json` says of a run beside what an export has of it.
type detailJSON struct {
	Observations []observationJSON  `json:"observations,omitempty"`
	Phases       []phaseJSON        `json:"phases,omitempty"`
	Posts        []postJSON         `json:"posts,omitempty"`
	Certificates []certificateJSON  `json:"certificates,omitempty"`
	Proofs       []proofJSON        `json:"proofs,omitempty"`
	Labels       []labelJSON        `json:"labels,omitempty"`
	Resolution   *resolutionJSON    `json:"resolution,omitempty"`
	Choices      []station.Decision `json:"choices,omitempty"` // what can be decided; absent: nothing waits
}

type observationJSON struct {
	HardwareSerial string    `json:"hardware_serial"`
	Model          string    `json:"model,omitempty"`
	Firmware       string    `json:"firmware,omitempty"`
	BootID         string    `json:"boot_id,omitempty"`
	State          string    `json:"state"`
	ClockOffsetMS  *int64    `json:"clock_offset_ms,omitempty"`
	At             time.Time `json:"at"`
}

type phaseJSON struct {
	Phase     station.Phase       `json:"phase"`
	Status    station.PhaseStatus `json:"status"`
	StartedAt time.Time           `json:"started_at"`
	EndedAt   time.Time           `json:"ended_at"`
	Tries     int                 `json:"tries"`
	Code      station.Code        `json:"code,omitempty"`
	Facts     map[string]string   `json:"facts,omitempty"`
}

type postJSON struct {
	Post     string           `json:"post"`
	State    ledger.PostState `json:"state"`
	Reason   string           `json:"reason,omitempty"`
	DeviceID string           `json:"device_id"`
	SPKI     string           `json:"spki_sha256"`
	CSR      string           `json:"csr_sha256,omitempty"`
	Contract station.Contract `json:"contract,omitempty"`
	At       time.Time        `json:"at"`
	EndedAt  *time.Time       `json:"ended_at,omitempty"`
}

type certificateJSON struct {
	DeviceID     string     `json:"device_id"`
	CertSerial   string     `json:"cert_serial"`
	Fingerprint  string     `json:"cert_fingerprint"`
	SPKI         string     `json:"spki_sha256"`
	Subject      string     `json:"subject"`
	Issuer       string     `json:"issuer"`
	AKI          string     `json:"authority_key_id,omitempty"`
	NotBefore    time.Time  `json:"not_before"`
	NotAfter     time.Time  `json:"not_after"`
	Tunnel       []string   `json:"tunnel_addresses,omitempty"`
	TunnelConf   string     `json:"wg_conf,omitempty"`
	Run          string     `json:"run"`
	Post         string     `json:"post,omitempty"`
	ReceivedAt   time.Time  `json:"received_at"`
	Current      bool       `json:"current"`
	RevokedAt    *time.Time `json:"revoked_at,omitempty"`
	RevokeReason string     `json:"revoke_reason,omitempty"`
}

type proofJSON struct {
	Proof       station.Proof     `json:"proof"`
	Broker      string            `json:"broker"`
	TLS         string            `json:"tls"`
	MQTT        string            `json:"mqtt"`
	Fingerprint string            `json:"cert_fingerprint"`
	Readback    map[string]string `json:"readback,omitempty"`
	At          time.Time         `json:"at"`
}

type labelJSON struct {
	Print    string     `json:"print"`
	Template string     `json:"template"`
	Printer  string     `json:"printer,omitempty"`
	Copy     int        `json:"copy"`
	Reason   string     `json:"reason,omitempty"`
	Operator string     `json:"operator,omitempty"`
	Trouble  string     `json:"trouble,omitempty"`
	At       time.Time  `json:"at"`
	EndedAt  *time.Time `json:"ended_at,omitempty"`
}

type deviceJSON struct {
	DeviceID       string            `json:"device_id,omitempty"`
	HardwareSerial string            `json:"hardware_serial"`
	IDSource       string            `json:"id_source,omitempty"`
	Model          string            `json:"model,omitempty"`
	Firmware       string            `json:"firmware,omitempty"`
	Attempts       int               `json:"attempts"`
	LastOutcome    station.Outcome   `json:"last_outcome,omitempty"`
	LastRun        string            `json:"last_run,omitempty"`
	PassRun        string            `json:"pass_run,omitempty"`
	PassedAt       *time.Time        `json:"passed_at,omitempty"`
	SPKI           string            `json:"spki_sha256,omitempty"`
	Fingerprint    string            `json:"cert_fingerprint,omitempty"`
	CertSerial     string            `json:"cert_serial,omitempty"`
	NotAfter       *time.Time        `json:"not_after,omitempty"`
	Revoked        bool              `json:"revoked,omitempty"`
	FirstSeen      time.Time         `json:"first_seen"`
	UpdatedAt      time.Time         `json:"updated_at"`
	Certificates   []certificateJSON `json:"certificates,omitempty"`
	Resolutions    []resolutionJSON  `json:"resolutions,omitempty"`
}

// known is nil for a time that is not known.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func detailOf(d ledger.RunDetail) detailJSON {
	j := detailJSON{Certificates: certificatesOf(d.Certificates), Choices: d.Held.Choices}
	for _, o := range d.Observations {
		one := observationJSON{o.HardwareSerial, o.Model, o.Firmware, o.BootID, string(o.State), nil, o.At}
		if o.HasClock {
			ms := o.ClockOffset.Milliseconds()
			one.ClockOffsetMS = &ms
		}
		j.Observations = append(j.Observations, one)
	}
	for _, p := range d.Phases {
		j.Phases = append(j.Phases, phaseJSON{p.Phase, p.Status, p.StartedAt, p.EndedAt, p.Tries, p.Code, p.Facts})
	}
	for _, p := range d.Posts {
		j.Posts = append(j.Posts, postJSON{
			p.ID, p.State, p.Reason, p.DeviceID, hexText(p.SPKI), hexText(p.CSRDigest), p.Contract, p.At, known(p.EndedAt),
		})
	}
	for _, p := range d.Proofs {
		j.Proofs = append(j.Proofs, proofJSON{p.Proof, p.Broker, p.TLS, p.MQTT, hexText(p.Leaf), p.Readback, p.At})
	}
	for _, p := range d.Labels {
		j.Labels = append(j.Labels, labelJSON{p.ID, p.Template, p.Printer, p.Copy, p.Reason, p.Operator, p.Err, p.At, known(p.EndedAt)})
	}
	if r := d.Held.Resolution; r != nil {
		one := resolutionOf(*r)
		j.Resolution = &one
	}
	return j
}

func certificatesOf(list []ledger.CertRow) (all []certificateJSON) {
	for _, c := range list {
		all = append(all, certificateJSON{
			c.DeviceID, c.CertSerial, hexText(c.Fingerprint), hexText(c.SPKI), c.Subject, c.Issuer, c.AKI, c.NotBefore, c.NotAfter,
			c.TunnelAddresses, c.WGConf, c.Run, c.PostID, c.ReceivedAt, c.Current, known(c.RevokedAt), c.RevokeReason,
		})
	}
	return all
}

func deviceOf(d ledger.DeviceRow, certs []ledger.CertRow, decisions []station.Resolution) deviceJSON {
	j := deviceJSON{
		d.DeviceID, d.HardwareSerial, d.IDSource, d.Model, d.Firmware, d.Attempts, d.LastOutcome, d.LastRun, d.PassRun,
		known(d.PassedAt), hexText(d.SPKI), hexText(d.Leaf), d.CertSerial, known(d.NotAfter), d.Revoked, d.FirstSeen, d.UpdatedAt,
		certificatesOf(certs), nil,
	}
	for _, r := range decisions {
		j.Resolutions = append(j.Resolutions, resolutionOf(r))
	}
	return j
}
