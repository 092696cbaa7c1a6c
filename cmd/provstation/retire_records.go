package main

import (
	"context"
	"net/netip"
	"os/user"
	"slices"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/station/retire"
	"provstation/station/stepca"
)

// retireRecords is the ledger as package retire asks it.
type retireRecords struct{ *ledger.Ledger }

// Certificates lists every certificate ever issued for the device id, newest first.
func (r retireRecords) Certificates(ctx context.Context, tenant, deviceID string) ([]retire.Certificate, error) {
	rows, err := r.DeviceCertificates(ctx, tenant, deviceID)
	return retireCertificates(rows), err
}

func retireCertificates(rows []ledger.CertStanding) (list []retire.Certificate) {
	for _, c := range rows {
		list = append(list, retire.Certificate{
			DeviceID: c.DeviceID, HardwareSerial: c.HardwareSerial, CertSerial: c.CertSerial, Fingerprint: c.Fingerprint, Leaf: c.Leaf,
			NotBefore: c.NotBefore, NotAfter: c.NotAfter, ReceivedAt: c.ReceivedAt, Present: c.Present, Orphan: string(c.Orphan),
			RevokedAt: c.RevokedAt, RevokeReason: c.RevokeReason,
		})
	}
	return list
}

// Life is what runs tell of a device.
func (r retireRecords) Life(ctx context.Context, tenant, deviceID string) (retire.Life, error) {
	l, err := r.DeviceLife(ctx, tenant, deviceID)
	return retire.Life{PassedAt: l.PassedAt, Renews: l.Renews, SeenAt: l.SeenAt}, err
}

// Tunnel is every key and address that the device's tunnel ever had.
func (r retireRecords) Tunnel(ctx context.Context, tenant, deviceID string) (t retire.Tunnel, err error) {
	certs, err := r.CertificatesOf(ctx, tenant, deviceID)
	if err != nil {
		return t, err
	}
	var hardware []string
	devices, err := r.Devices(ctx, ledger.DeviceFilter{Tenant: tenant, DeviceID: deviceID, Limit: 1})
	if err != nil {
		return t, err
	}
	for _, d := range devices {
		hardware = append(hardware, d.HardwareSerial)
	}
	for _, c := range certs {
		if !slices.Contains(hardware, c.HardwareSerial) {
			hardware = append(hardware, c.HardwareSerial)
		}
		for _, text := range c.TunnelAddresses {
			if a, err := netip.ParseAddr(text); err == nil && !slices.Contains(t.Addresses, a) {
				t.Addresses = append(t.Addresses, a)
			}
		}
	}
	for _, h := range hardware {
		keys, err := r.KeysFor(ctx, tenant, h)
		if err != nil {
			return retire.Tunnel{}, err
		}
		for _, k := range keys {
			if key, err := wgtypes.NewKey(k.WireGuardKey); err == nil && !slices.Contains(t.Keys, key) {
				t.Keys = append(t.Keys, key)
			}
		}
	}
	return t, nil
}

// retirer ends lives on this ledger.
func (l *archive) retirer(ca *authority, by string, more func(*retire.Config)) (*retire.Retirer, error) {
	id, err := stationID(l.config, stateFolder(l.config))
	if err != nil {
		return nil, &exitError{exitFault, err}
	}
	cfg := retire.Config{Tenant: l.tenant, StationID: id, By: by}
	if more != nil {
		more(&cfg)
	}
	return retire.New(retireRecords{l.Ledger}, ca.revoker, cfg), nil
}

// whoAsks is the name that goes on record: the flag's, the configured operator's, else that of the account.
func (l *archive) whoAsks(flag string) string {
	if flag != "" {
		return flag
	}
	if l.config.Station.Operator != "" {
		return l.config.Station.Operator
	}
	if u, err := user.Current(); err == nil {
		return plain(u.Username)
	}
	return ""
}

// orphanReasons are what a CA is told of orphans: why they are no longer at work.
func orphanReason(why string) stepca.Reason {
	switch ledger.OrphanReason(why) {
	case ledger.OrphanRenewed, ledger.OrphanSuperseded:
		return stepca.Superseded
	case ledger.OrphanDecommissioned:
		return stepca.CessationOfOperation
	default:
		return stepca.Unspecified
	}
}

// faultWords is what is wrong, and what to do, as the catalogue says it.
func (l *archive) faultWords(err error) (code station.Code, message, next string) {
	if f, ok := station.AsFault(err); ok {
		message, next = l.words.Fault(f.Code, f.Params)
		return f.Code, plain(message), plain(next)
	}
	return "", plain(err.Error()), ""
}
