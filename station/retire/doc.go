// Package retire ends the life of certificates and of devices.
//
//	one certificate        [Retirer.Revoke]
//	many, by one CA key    [Retirer.RevokeAll]
//	a device               [Retirer.Decommission]
//	what a broker makes of a revocation    [Judge]
//
// Everything is written down before it is done and again when its result is known, so that whoever was interrupted carries on:
// a request whose answer was lost stays open and is asked again (the CA says "already revoked"), a step of a decommissioning
// that was begun and never heard of is repeated. What is gone already counts as done. What cannot be recorded is an error,
// whatever the CA said.
//
// # Decommissioning
//
// The steps and their order are those of the tenant's own procedure ([station.RetirementSteps]):
//
//	revoke           every certificate of the device that is neither revoked nor over, by the CA's provisioner
//	wireguard-peer   the device's peers on the tunnel server; manual with the exact command where that is out of reach
//	thingsboard      the device there
//	hawkbit          the target there
//	erase            the device's own key and files, if it is connected here
//
// A failed step does not hinder the others, but for revoke: a device that still gets in would be listed again by ThingsBoard
// and hawkBit, and one that is erased cannot vouch for its own revocation any more. So these three wait for it. A decommissioning
// ends when every step is over. A device that is not here cannot be erased, which is said and does not hinder the end.
//
// # Out of scope
//
// Revoking with the device's own key (mTLS), and erasing a device: the engine has the line to it. Certificates that the records
// know nothing of but that the CA has issued (a request whose answer never came): the CA's own list has them.
package retire
