"""The file ``config.js`` of a Jitsi server, as Debian's package and the docker images write it."""

from __future__ import annotations

QUIET = """\
/* eslint-disable comma-dangle */
var subdomain = '<!--# echo var="subdomain" default="" -->';
var config = {{
    // Connection
    hosts: {{
        domain: '{domain}',
        // When using authentication, domain for guest users.
        // anonymousdomain: 'guest.example.com',
        muc: 'conference.' + subdomain + '{domain}', // the rooms
    }},
    bosh: '//{domain}/http-bind',
    toolbarButtons: ['camera', 'recording', /* all of them */ 'hangup'],
    recordingService: {{
        enabled: false,
        /* sharingEnabled: true, */
    }},
    // fileRecordingsEnabled: true,
    localRecording: {{ disable: true }},
    "liveStreaming": {{ "enabled": false }},
    transcription: {{ enabled: false }},
    p2p: {{ enabled: true, stunServers: [ {{ urls: 'stun:{domain}:3478' }} ] }},
}};
if (!config.hasOwnProperty('fileSharing')) config.fileSharing = {{}};
config.fileSharing.enabled = false;
"""


def configuration(domain: str, *lines: str) -> str:
    """A server that captures nothing; ``lines`` are added at the end, as docker's images do it."""
    return QUIET.format(domain=domain) + "".join(f"{line}\n" for line in lines)
