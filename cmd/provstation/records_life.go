package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"provstation/station"
)

// lifeEnd is what is on file of the end of a device's life, or of its certificates'.
type lifeEnd struct {
	revocations []station.RevocationRow
	retirement  *station.RetirementRow // the newest; nil: none was begun
}

func (l *archive) lifeEnd(ctx context.Context, deviceID string) (e lifeEnd, err error) {
	if e.revocations, err = l.Revocations(ctx, l.tenant, deviceID, ""); err != nil {
		return e, err
	}
	r, err := l.Retirement(ctx, l.tenant, deviceID)
	switch {
	case err == nil:
		e.retirement = &r
	case errors.Is(err, station.ErrNotFound):
		err = nil
	}
	return e, err
}

func (s sheet) lifeEnd(e lifeEnd) {
	for _, r := range e.revocations {
		s.section("revocation " + local(r.At))
		s.entry("serial", r.CertSerial)
		s.entry("fingerprint", hexText(r.Fingerprint))
		s.entry("reason", strings.TrimSpace(r.Reason+" "+r.Text))
		s.entry("by", r.By)
		s.entry("way", r.Way)
		if r.Result == "" {
			s.entry("state", "nobody knows what came of it")
			continue
		}
		s.entry("state", string(r.Result)+" "+local(r.EndedAt))
	}
	r := e.retirement
	if r == nil {
		return
	}
	s.section("decommissioned " + local(r.At))
	s.entry("reason", r.Reason)
	s.entry("by", r.By)
	if r.EndedAt.IsZero() {
		s.entry("state", "begun: there are steps left")
	} else {
		s.entry("state", "out of service since "+local(r.EndedAt))
	}
	for _, step := range r.Steps {
		text := string(step.State)
		if step.Code != "" {
			text += " " + string(step.Code)
		}
		if step.Detail != "" {
			text += ": " + step.Detail
		}
		s.entry(string(step.Step), text)
	}
}

// lifeJSON is lifeEnd as JSON shows it.
type lifeJSON struct {
	Revocations []revocationJSON `json:"revocations,omitempty"`
	Retirement  *retirementJSON  `json:"retirement,omitempty"`
}

type revocationJSON struct {
	Revocation  string               `json:"revocation"`
	CertSerial  string               `json:"cert_serial"`
	Fingerprint string               `json:"cert_fingerprint,omitempty"`
	Reason      string               `json:"reason"`
	Note        string               `json:"note,omitempty"`
	Way         string               `json:"way"`
	By          string               `json:"by,omitempty"`
	StationID   string               `json:"station_id,omitempty"`
	At          time.Time            `json:"at"`
	Result      station.IntentResult `json:"result,omitempty"` // absent: nobody knows
	EndedAt     *time.Time           `json:"ended_at,omitempty"`
}

type retirementJSON struct {
	Retirement string               `json:"retirement"`
	Reason     string               `json:"reason,omitempty"`
	By         string               `json:"by,omitempty"`
	StationID  string               `json:"station_id,omitempty"`
	At         time.Time            `json:"at"`
	EndedAt    *time.Time           `json:"ended_at,omitempty"` // absent: there are steps left
	Steps      []retirementStepJSON `json:"steps,omitempty"`
}

type retirementStepJSON struct {
	Step   station.RetirementStepName `json:"step"`
	State  station.StepState          `json:"state"`
	Code   station.Code               `json:"code,omitempty"`
	Detail string                     `json:"detail,omitempty"`
	At     time.Time                  `json:"at"`
}

func (e lifeEnd) json() (j lifeJSON) {
	for _, r := range e.revocations {
		j.Revocations = append(j.Revocations, revocationJSON{
			r.ID, r.CertSerial, hexText(r.Fingerprint), r.Reason, r.Text, r.Way, r.By, r.StationID, r.At, r.Result, known(r.EndedAt),
		})
	}
	if r := e.retirement; r != nil {
		j.Retirement = &retirementJSON{r.ID, r.Reason, r.By, r.StationID, r.At, known(r.EndedAt), nil}
		for _, s := range r.Steps {
			j.Retirement.Steps = append(j.Retirement.Steps, retirementStepJSON{s.Step, s.State, s.Code, s.Detail, s.At})
		}
	}
	return j
}
