package agent

import (
	"bytes"

	"provstation/serialproto"
)

// keptTunnel gives the tunnel of the active generation: the whole file, and what of it crossed the wire. A tunnel of the
// tenant's own script is not kept: nobody can say what its file is for, nor whether it reads.
func (a *Agent) keptTunnel(v view) (file Secret, conf []byte, err error) {
	if v.Active == nil || v.Active.Foreign || a.cfg.StripWG == nil {
		return nil, nil, refuse(serialproto.StatusWrongState, "no tunnel is installed that could be kept")
	}
	f, err := a.store.Files(v.Active.Number)
	if err != nil {
		return nil, nil, err
	}
	if len(f.WGConf) == 0 {
		return nil, nil, refuse(serialproto.StatusWrongState, "no tunnel is installed that could be kept")
	}
	if conf, err = a.cfg.StripWG(f.WGConf); err != nil { // its words could quote the key
		return nil, nil, refuse(serialproto.StatusWrongState, "the installed wg0.conf does not parse")
	}
	return f.WGConf, conf, nil
}

// keptSecrets gives the WireGuard key that a new generation takes over; none where the tenant made it, and only wg0.conf
// has it.
func (a *Agent) keptSecrets(v view) (Secrets, error) {
	if _, _, err := a.keptTunnel(v); err != nil {
		return Secrets{}, err
	}
	s, err := a.store.Secrets(v.Active.Number)
	if err != nil {
		return Secrets{}, err
	}
	if len(s.WireGuard) > 0 {
		if pub, err := wireGuardPublic(s.WireGuard); err != nil || !bytes.Equal(pub, v.Active.WireGuard) {
			return Secrets{}, errNoKeyPair
		}
	}
	return Secrets{WireGuard: s.WireGuard}, nil
}
