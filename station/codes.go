package station

// Codes of everything a run, a port or the station itself can fail with. The catalogue (assets) holds a sentence and a
// next action for each; a test fails on a missing one.
const (
	// Ports and the line.
	CodePortBusy    Code = "E-PORT-BUSY"    // another program holds the port
	CodePortDenied  Code = "E-PORT-DENIED"  // no permission
	CodePortGone    Code = "E-PORT-GONE"    // unplugged
	CodePortBad     Code = "E-PORT-BAD"     // not a serial port, or it cannot be set up
	CodePortStuck   Code = "E-PORT-STUCK"   // a write never ends
	CodePortIgnored Code = "I-PORT-IGNORED" // not configured
	CodePortSilent  Code = "I-PORT-SILENT"  // nothing announced itself
	CodeLineNoise   Code = "E-LINE-NOISE"   // bytes, but no progress
	CodeLineEcho    Code = "E-LINE-ECHO"    // our own bytes come back
	CodeResetLoop   Code = "E-DEVICE-RESETS"
	CodeAgentOld    Code = "E-AGENT-VERSION" // no common protocol version
	CodeAgentError  Code = "E-AGENT-ERROR"   // the agent answered with an internal error
	CodeAgentRefuse Code = "E-AGENT-REFUSED" // refused by the device's policy
	CodeAgentLocked Code = "E-AGENT-LOCKED"  // sealed; its policy allows no new key
	CodeAgentSpace  Code = "E-AGENT-SPACE"   // device storage full
	CodeAgentRNG    Code = "E-AGENT-RNG"     // random source not ready
	CodeAgentBad    Code = "E-AGENT-ANSWER"  // malformed answer

	// Boxes without an agent, by the login on their console.
	CodeConsoleLogin    Code = "E-CONSOLE-LOGIN"    // user or password refused
	CodeConsolePassword Code = "E-CONSOLE-PASSWORD" // the box asks for one, and there is none to send
	CodeConsoleChange   Code = "E-CONSOLE-CHANGE"   // the box wants a new password
	CodeConsoleBoot     Code = "E-CONSOLE-BOOT"     // it stands at its boot loader's prompt
	CodeConsolePrompt   Code = "E-CONSOLE-PROMPT"   // neither a login nor a shell
	CodeConsoleShell    Code = "E-CONSOLE-SHELL"    // no POSIX shell answers
	CodeConsoleTools    Code = "E-CONSOLE-TOOLS"    // programs are missing
	CodeConsoleDenied   Code = "E-CONSOLE-DENIED"   // the login may not write where the files belong

	// Identity.
	CodeSerialMissing Code = "E-ID-SERIAL-MISSING"
	CodeSerialJunk    Code = "E-ID-SERIAL-JUNK"
	CodeSerialTwice   Code = "E-ID-SERIAL-TWICE" // same hardware serial in two slots now
	CodeSwapped       Code = "E-ID-SWAPPED"      // another board after a reconnect
	CodeIDInvalid     Code = "E-ID-INVALID"
	CodeIDTaken       Code = "E-ID-TAKEN"
	CodeIDDiffers     Code = "E-ID-DIFFERS"     // hardware is known under another id
	CodeIDMissing     Code = "E-ID-MISSING"     // neither template nor flag
	CodeUnconfirmed   Code = "E-ID-UNCONFIRMED" // nothing on the device confirms the id, and policy wants that
	CodeKeyTaken      Code = "E-KEY-DUPLICATE"
	CodeKeyStore      Code = "E-KEY-STORE"    // the key is not kept where policy wants it, or nobody knows where
	CodeKeyFailed     Code = "E-KEY-FAILED"   // the device's key store does not work, or lost the key
	CodeUnknownKey    Code = "E-ID-OTHER-KEY" // known hardware, empty store or another key: reflash or clone
	CodeForeign       Code = "E-ID-FOREIGN"   // enrolled by enroll.sh and cannot be proven

	// Clock.
	CodeClockDevice  Code = "E-CLOCK-DEVICE"
	CodeClockStation Code = "E-CLOCK-STATION"
	CodeClockUnset   Code = "W-CLOCK-NONE" // device without a clock

	// CSR.
	CodeCSRBad Code = "E-CSR-BAD"

	// Bridge.
	CodeBridgeDown     Code = "E-BRIDGE-DOWN"      // no connection
	CodeBridgeTLS      Code = "E-BRIDGE-TLS"       // certificate not trusted
	CodeBridgeTimeout  Code = "E-BRIDGE-TIMEOUT"   // no answer in time
	CodeBridgeAuth     Code = "E-BRIDGE-AUTH"      // 401, 403
	CodeBridgePath     Code = "E-BRIDGE-PATH"      // 404, 405, redirect
	CodeBridgeContract Code = "E-BRIDGE-CONTRACT"  // speaks the other contract
	CodeBridgeCSR      Code = "E-BRIDGE-CSR"       // invalid CSR
	CodeBridgePolicy   Code = "E-BRIDGE-POLICY"    // CN, SAN or key policy refused by the CA
	CodeBridgeCADown   Code = "E-BRIDGE-CA-DOWN"   // step-ca unreachable
	CodeBridgeCAConfig Code = "E-BRIDGE-CA-CONFIG" // CA misconfigured
	CodeBridgeHawkbit  Code = "E-BRIDGE-HAWKBIT"   // update server down; a certificate was lost
	CodeBridgeInternal Code = "E-BRIDGE-INTERNAL"  // 500
	CodeBridgeBusy     Code = "E-BRIDGE-BUSY"      // 429, 503 otherwise
	CodeBridgeAnswer   Code = "E-BRIDGE-ANSWER"    // not JSON, too large, fields missing
	CodeBridgeTokenBad Code = "E-BRIDGE-TOKEN"     // the token source failed

	// Credentials.
	CodeCertBad        Code = "E-CERT-BAD"         // a check of the response lint; param check says which
	CodeCertKey        Code = "E-CERT-KEY"         // for another key
	CodeCertChain      Code = "E-CERT-CHAIN"       // does not chain to the pinned root
	CodeCertDates      Code = "E-CERT-DATES"       // expired or not yet valid
	CodeCertShelfLife  Code = "E-CERT-SHELF-LIFE"  // too short by policy
	CodeCertShelfWarn  Code = "W-CERT-SHELF-LIFE"  // short; said, not refused
	CodeCertRenews     Code = "W-CERT-RENEWS"      // short, and the box renews by itself
	CodeCertPrivateKey Code = "E-CERT-PRIVATE-KEY" // a private key in the answer
	CodeCertExpired    Code = "E-CERT-EXPIRED"     // the enrolled device's certificate is over
	CodeWGBad          Code = "E-WG-BAD"
	CodeWGWarn         Code = "W-WG"
	CodeWGAddress      Code = "E-WG-ADDRESS-TAKEN"
	CodeWGKeyNetwork   Code = "E-WG-KEY-NETWORK"  // the bridge made the key, and the port is behind a network
	CodeWGServer       Code = "E-WG-SERVER"       // the server's interface cannot be read
	CodeWGServerKey    Code = "E-WG-SERVER-KEY"   // wg0.conf names another server
	CodeWGPeerKey      Code = "E-WG-PEER-KEY"     // the server has another key for the device
	CodeWGPeerAddress  Code = "E-WG-PEER-ADDRESS" // the server has other addresses for it
	CodeWGPeerMissing  Code = "E-WG-PEER-MISSING" // the server does not know the device
	CodeWGSilent       Code = "E-WG-SILENT"       // nothing of the device arrives
	CodeWGNoAnswer     Code = "E-WG-NO-ANSWER"    // the device sends, and nobody answers
	CodeWGName         Code = "E-WG-NAME"         // the endpoint's name is not found
	CodeWGClock        Code = "E-WG-CLOCK"        // the device's clock is behind its last handshake
	CodeWGUp           Code = "E-WG-UP"           // the device cannot bring its tunnel up
	CodeWGStation      Code = "E-WG-STATION"      // the station's own tunnel does not work
	CodeWGNoReply      Code = "E-WG-NO-REPLY"     // no answer to a ping through the tunnel
	CodeWGUnknown      Code = "E-WG-UNKNOWN"      // nothing on file says which peer the device is
	CodeTrustMissing   Code = "E-TRUST-MISSING"   // no root configured, or step-ca's is another

	// Install.
	CodeInstallKey Code = "E-INSTALL-KEY" // device says: certificate is not for its key
	CodeReadback   Code = "E-READBACK"

	// Broker.
	CodeBrokerName      Code = "E-BROKER-NAME"    // name not found
	CodeBrokerRoute     Code = "E-BROKER-ROUTE"   // no route
	CodeBrokerRefused   Code = "E-BROKER-REFUSED" // connection refused
	CodeBrokerTimeout   Code = "E-BROKER-TIMEOUT"
	CodeBrokerTLS       Code = "E-BROKER-TLS" // not TLS, version
	CodeBrokerUntrusted Code = "E-BROKER-UNTRUSTED"
	CodeBrokerHostname  Code = "E-BROKER-HOSTNAME" // name mismatch
	CodeBrokerCert      Code = "E-BROKER-CERT"     // client certificate refused
	CodeBrokerConnack   Code = "E-BROKER-CONNACK"
	CodeBrokerPublish   Code = "E-BROKER-PUBLISH"
	CodeBrokerClosed    Code = "E-BROKER-CLOSED"
	CodeProofImpossible Code = "E-PROOF-IMPOSSIBLE" // sealed device that cannot sign for a proof

	// The tenant's ThingsBoard and hawkBit; parameter name says which.
	CodeTenantDown          Code = "E-TENANT-DOWN"          // no connection, 502, 503
	CodeTenantTLS           Code = "E-TENANT-TLS"           // certificate not trusted
	CodeTenantTimeout       Code = "E-TENANT-TIMEOUT"       // no answer in time
	CodeTenantAuth          Code = "E-TENANT-AUTH"          // 401, 403: the station's account
	CodeTenantSecret        Code = "E-TENANT-SECRET"        // the password or key cannot be read
	CodeTenantPath          Code = "E-TENANT-PATH"          // 404 of the path, 405, redirect, a web page
	CodeTenantBusy          Code = "E-TENANT-BUSY"          // 429
	CodeTenantInternal      Code = "E-TENANT-INTERNAL"      // 500
	CodeTenantAnswer        Code = "E-TENANT-ANSWER"        // makes no sense
	CodeRegisterThingsBoard Code = "E-REGISTER-THINGSBOARD" // it does not know the device
	CodeRegisterHawkBit     Code = "E-REGISTER-HAWKBIT"     // it has no target
	CodeRegisterAttributes  Code = "E-REGISTER-ATTRIBUTES"  // its target lacks attributes
	CodeRegisterIncomplete  Code = "W-REGISTER-ATTRIBUTES"  // the same, said and not refused

	// Unlocking a sealed device.
	CodeUnlockKey     Code = "E-UNLOCK-KEY"     // the station has no key that unlocks
	CodeUnlockPin     Code = "E-UNLOCK-PIN"     // the device has no pin: nothing opens it
	CodeUnlockWait    Code = "E-UNLOCK-WAIT"    // too many failures: it takes no challenge yet
	CodeUnlockRefused Code = "E-UNLOCK-REFUSED" // it does not accept the key or the purpose
	CodeUnlockNone    Code = "E-UNLOCK-NONE"    // it would be sealed for ever
	CodeUnlockWarn    Code = "W-UNLOCK-NONE"    // the same, said and not refused

	// The tenant's CA, asked to renew, rekey or revoke.
	CodeCANone      Code = "E-CA-NONE"    // none is configured
	CodeCADown      Code = "E-CA-DOWN"    // no connection, no answer in time, 429, 5xx
	CodeCATLS       Code = "E-CA-TLS"     // its certificate is not trusted
	CodeCAPath      Code = "E-CA-PATH"    // no step-ca at the address
	CodeCAProxy     Code = "E-CA-PROXY"   // a proxy ends TLS: the device's certificate does not get there
	CodeCARevoked   Code = "E-CA-REVOKED" // it does not renew this certificate: it is revoked, or renewal is off
	CodeCADenied    Code = "E-CA-DENIED"  // not authorized
	CodeCARefused   Code = "E-CA-REFUSED" // for another reason
	CodeCAAnswer    Code = "E-CA-ANSWER"  // makes no sense
	CodeCAPassword  Code = "E-CA-PASSWORD"
	CodeNotHere     Code = "E-NOT-HERE"     // the device that is meant is not connected
	CodeRenewState  Code = "E-RENEW-STATE"  // the device is not one whose certificate can be renewed
	CodeRenewIssuer Code = "E-RENEW-ISSUER" // the CA has another issuer now than the device trusts

	// The renewal that a box does by itself.
	CodeRenewalSet         Code = "E-RENEWAL-SET"     // it does not take where to renew
	CodeRenewalMissing     Code = "E-RENEWAL-MISSING" // its software has none
	CodeRenewalMissingWarn Code = "W-RENEWAL-MISSING"
	CodeRenewalUnset       Code = "E-RENEWAL-UNSET" // nobody told it where, or somebody else did
	CodeRenewalUnsetWarn   Code = "W-RENEWAL-UNSET"
	CodeRenewalFailing     Code = "E-RENEWAL-FAILING"
	CodeRenewalFailingWarn Code = "W-RENEWAL-FAILING"

	// Ledger and station.
	CodeLedger       Code = "E-LEDGER"
	CodeLedgerAway   Code = "E-LEDGER-AWAY" // the database that the stations share cannot be reached
	CodeLeased       Code = "E-LEASED"      // another station works on the device
	CodeLeaseLost    Code = "E-LEASE-LOST"  // another station has taken it over
	CodeDuplicate    Code = "E-DUPLICATE"   // two stations have recorded what only one of them can have
	CodeDeadline     Code = "E-DEADLINE"
	CodeAborted      Code = "E-ABORTED"
	CodeInterrupted  Code = "E-INTERRUPTED" // the station's process ended under the run
	CodeUncertain    Code = "E-UNCERTAIN"
	CodeInternal     Code = "E-INTERNAL"
	CodeSkipped      Code = "I-SKIPPED"
	CodeNotCorrob    Code = "W-ID-NOT-CORROBORATED"
	CodeWGKeyCrossed Code = "W-WG-KEY-CROSSED" // a WireGuard private key crossed the line
	CodeMQTTOff      Code = "W-MQTT-OFF"

	// Requests that are collected without a network.
	CodeCollected       Code = "I-COLLECTED"
	CodeCollectEnrolled Code = "E-COLLECT-ENROLLED" // it holds a certificate already, and no broker can be asked
	CodeCollectKey      Code = "E-COLLECT-KEY"      // the bridge would make the tunnel's private key
	CodeCollectSecret   Code = "E-COLLECT-SECRET"   // the answer holds a secret that is not kept
	CodeRelaying        Code = "E-RELAY-BUSY"       // the request is being posted by a relay

	// What a person asks of the bench.
	CodeSlotEmpty      Code = "E-SLOT-EMPTY"   // no port there
	CodeSlotRunning    Code = "E-SLOT-RUNNING" // a run is in flight
	CodeSlotIdle       Code = "E-SLOT-IDLE"    // no run in flight, or nothing to retry
	CodeSlotTaken      Code = "E-SLOT-TAKEN"   // the place has another slot's name
	CodeSlotSave       Code = "E-SLOT-SAVE"    // what was taught could not be kept
	CodePortUnknown    Code = "I-PORT-UNKNOWN" // a port that nobody configured: shown, not used
	CodeHeldSignIn     Code = "I-HELD-SIGN-IN" // a device waits: nobody is signed in
	CodeHeldLearning   Code = "I-HELD-LEARNING"
	CodeHeldPaused     Code = "I-HELD-PAUSED"  // a person paused the batch
	CodeHeldFailures   Code = "I-HELD-FAILURE" // equal failures in a row
	CodeHeldOther      Code = "I-HELD-OTHER"   // not the device that was asked for
	CodeBadgeUnknown   Code = "E-BADGE-UNKNOWN"
	CodeNameUnknown    Code = "E-NAME-UNKNOWN"
	CodeOverrideNot    Code = "E-OVERRIDE-NOT"    // nothing there that a lead may release
	CodeOverrideReason Code = "E-OVERRIDE-REASON" // too short
	CodeOverrideBadge  Code = "E-OVERRIDE-BADGE"  // not a lead's, or the operator's own
	CodeOverridden     Code = "W-OVERRIDDEN"      // a lead let the run go on

	// Scans.
	CodeScanUnreadable Code = "E-SCAN-UNREADABLE" // too long, not printable, not of the configured form
	CodeScanNobody     Code = "E-SCAN-NOBODY"     // no slot waits for a label
	CodeScanForeign    Code = "E-SCAN-FOREIGN"    // not of this batch
	CodeScanWrong      Code = "E-SCAN-WRONG"      // belongs to other hardware
	CodeScanDuplicate  Code = "E-SCAN-DUPLICATE"  // its id is another device's already
	CodeScanNone       Code = "E-SCAN-NONE"       // nobody scanned in time
	CodeScanCommand    Code = "E-SCAN-COMMAND"    // a command code that this version does not know

	// Batches.
	CodeBatchForeign Code = "E-BATCH-FOREIGN" // the device is not on the batch's list
	CodeBatchOpen    Code = "E-BATCH-OPEN"    // another one is open
	CodeBatchNone    Code = "E-BATCH-NONE"    // none is open
	CodeBatchList    Code = "E-BATCH-LIST"    // the name is on file with another list
	CodeBatchBusy    Code = "E-BATCH-BUSY"    // runs are in flight

	// Labels.
	CodeLabelPrinter Code = "E-LABEL-PRINTER" // the printer did not take it
	CodeLabelNothing Code = "E-LABEL-NOTHING" // no finished device there

	// Records.
	CodeDecommissioned Code = "E-DECOMMISSIONED" // a person took the device out of service
	CodeResolved       Code = "W-RESOLVED"       // a person decided how to go on with a device that was held
	CodeResolveLead    Code = "E-RESOLVE-LEAD"   // only a lead may decide
	CodeResolveNot     Code = "E-RESOLVE-NOT"    // the run waits for no decision, or not for this one
)
