// Package tenant asks the two servers of a tenant that list devices: ThingsBoard and hawkBit. It answers the run's question
// whether they know a device ([Registry]), and takes a device out of them ([ThingsBoard.Remove], [HawkBit.Remove]).
//
// # What is asked
//
// Of ThingsBoard, below a base that may carry a path:
//
//	POST   {base}/api/auth/login {"username","password"}     200 {"token"}: a JWT, kept until it is about to expire
//	GET    {base}/api/tenant/devices?deviceName={id}         200 the device with its id.id; 404: it knows no such device
//	GET    {base}/api/plugins/telemetry/DEVICE/{id.id}/values/attributes/SERVER_SCOPE?keys=active,lastConnectTime,lastActivityTime
//	                                                         200 a list, empty where it keeps its state elsewhere
//	DELETE {base}/api/device/{id.id}                         200 without a body; 404: gone already
//
// with X-Authorization: "Bearer JWT" after a login, or "ApiKey KEY" (ThingsBoard 4.3 and later) without one. The user must
// be a tenant administrator: others are answered 403.
//
// Of hawkBit's Management API, with basic authentication:
//
//	GET    {base}/rest/v1/targets/{id}                       200 the target; 404: it has no such target
//	GET    {base}/rest/v1/targets/{id}/attributes            200 an object of texts; 204: there are none
//	GET    {base}/rest/v1/targets?limit=1                    200: whether path and account are right
//	POST   {base}/rest/v1/targets [{"controllerId","name"}]  201 a list with the target; 409: it is there already
//	DELETE {base}/rest/v1/targets/{id}                       200 or, from 2025 on, 204; 404: gone already
//
// # What answers mean
//
// Every failure is a *station.Fault; a device that a server does not know is [ErrUnknown], which is none. Parameter name says
// which server it was.
//
//	answer                                          code                class          repeat?
//	200 (201, 204) with what was asked for          -                   -              -
//	404 that says what is missing                   ErrUnknown          -              -
//	409 to POST                                     ErrExists           -              -
//	404 otherwise, 405, 410, 3xx, a web page        E-TENANT-PATH       misconfigured  no: the address is not the server's
//	401 to a request under a JWT                    -                   -              once, after a new login
//	401 otherwise, 403, 407                         E-TENANT-AUTH       misconfigured  no: an account is locked by that
//	408, 425, 429                                   E-TENANT-BUSY       passing        yes
//	400 and every other 4xx                         E-TENANT-ANSWER     permanent      no
//	502, 503                                        E-TENANT-DOWN       passing        yes
//	504                                             E-TENANT-TIMEOUT    passing        yes
//	500 and every other 5xx                         E-TENANT-INTERNAL   passing        yes
//	any other status                                E-TENANT-ANSWER     permanent      no
//	2xx with a body that is not believed            E-TENANT-ANSWER     permanent      no
//	no connection, connection lost                  E-TENANT-DOWN       passing        yes
//	no answer in time                               E-TENANT-TIMEOUT    passing        yes
//	certificate not trusted, no TLS                 E-TENANT-TLS        misconfigured  no
//	the station's own password cannot be read       E-TENANT-SECRET     misconfigured  no
//
// "Says what is missing" is ThingsBoard's errorCode 32 and hawkBit's errorCode of the kind entityNotFound. Both servers answer
// 404 to a wrong path, too, and a device that is not deleted must not count as gone: a bare 404 is believed only where another
// answer below the same base has shown that the base is right.
//
// # Bounds
//
// Answers are bounded, UTF-8, JSON by content type and read strictly; redirects are not followed; nothing a server says
// reaches a fault without being cut and cleared of control characters and of the secrets that were sent. A refused login is
// not tried again with the same password for a minute: ThingsBoard locks accounts.
//
// Out of scope: WireGuard peers, the CA, and ThingsBoard's rule engine.
package tenant
