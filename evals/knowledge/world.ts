/** A house's notes and past incidents, made up, for measuring how well they are found. */
import type { PastIncident } from '../../store/past-incidents.ts'

export const notes: Readonly<Record<string, string>> = {
  'on-call.md': `# Who is on call
## Rota
Platform is on call from Monday 09:00 to Monday 09:00, the schedule is in PagerDuty under "platform-primary". At night only critical pages.
## Handing over
Write down what is still open in the handover document and tell the next person in the channel #platform-oncall.
## Escalation
If nobody acknowledges within fifteen minutes, phone the head of infrastructure, Marta. Legal is told of anything that touches customer records.`,
  'payments/architecture.md': `# Payments service
## What runs
checkout takes the order, ledger books it, settlement talks to the bank twice a day at 06:00 and 18:00. All three live in the namespace payments.
## Card data
Card numbers are tokenised by the vault before they reach us. Nobody in the cluster holds a full number; the vault is in another account.
## Expected outgoing connections
ledger connects to the bank's SFTP host on port 2222 for settlement files. That is SSH on an odd port, and it is ours.`,
  'debugging-policy.md': `# Debugging in production
## kubectl exec
Engineers may open a shell in a production pod only with a ticket, and say its number in #prod-access. Sessions are recorded in the audit log.
## Profilers
The performance team attaches py-spy and perf to the pricing workers on Tuesdays. It needs SYS_PTRACE in the namespace pricing and nowhere else.
## Capturing packets
tcpdump is allowed in the namespace network-lab alone.`,
  'backup.md': `# Backups
## Nightly job
The job nightly-backup in the namespace ops reads every volume between 01:00 and 03:00, packs it with tar and sends it to the bucket corp-backup in Frankfurt.
## Restoring
Restores are practised each quarter; the last one took four hours. Ask the storage team for the key, it is kept in two safes.
## How long
Thirty daily, twelve monthly. Deletion is locked for a year.`,
  'build-agents.md': `# Build agents
## Why they look suspicious
CI runners in the namespace ci compile and run new binaries all day, install packages with apt and pip, and use privileged pods for image builds.
## What they must never do
A runner never talks to production databases and never holds cloud keys that outlive the build.`,
  'vendors.md': `# Third parties
## Scanner by Northwall
Northwall scans our public addresses on the first weekend of each month from 198.51.100.0/24. Its requests look like attacks and are paid for.
## Remote support
The vendor of the warehouse system logs in through the jump host with a time-limited certificate, never directly.`,
  'cloud-accounts.md': `# Cloud accounts
## Which is which
shop-prod is 111122223333, shop-test is 444455556666, and the log archive is 777788889999, which nobody can write to but the trails.
## Break-glass role
The role BreakGlass may do everything. Using it pages the security lead; two people have the hardware keys.`,
  'certificates.md': `# Certificates and keys
## Rotation
Service certificates are renewed by cert-manager every sixty days; it reads and writes many secrets in all namespaces while doing so.
## When a key leaks
Revoke it in the issuing authority, then roll the deployment, then tell the owner listed in the inventory sheet.`,
}

const past = (
  id: number,
  title: string,
  rules: string[],
  techniques: string[],
  words: PastIncident['said'],
  summary: string,
): PastIncident => ({
  id: `00000000-0000-7000-8000-${String(id).padStart(12, '0')}`,
  title,
  rules,
  techniques,
  said: words,
  report: {
    verdict: 'suspicious',
    summary: [{ text: summary, kind: 'observation', evidence: [], grounded: true, problems: [] }],
    rootCause: [],
  },
})
const verdict = (text: string, reason: string): PastIncident['said'][number] => ({ kind: 'verdict', text, reason })
const note = (text: string): PastIncident['said'][number] => ({ kind: 'note', text, reason: '' })

export const incidents: readonly PastIncident[] = [
  past(
    1,
    'Shell in shop/checkout',
    ['Terminal shell in container'],
    ['T1059'],
    [verdict('benign', 'Ticket OPS-812: Jonas looked for a stuck order with the payments team')],
    '1 alert in pod shop/checkout-7d9 of Deployment checkout. bash was started by runc.',
  ),
  past(
    2,
    'Crypto mining in lab/batch',
    ['Drop and execute new binary in container', 'Detect outbound connections to common miner pool ports'],
    ['T1496'],
    [verdict('true_positive', 'The Jupyter notebook was open to the internet without a password')],
    'xmrig ran in lab/batch-0 and connected to a pool on port 3333.',
  ),
  past(
    3,
    'Sensitive files read on node worker-4',
    ['Read sensitive file untrusted'],
    ['T1555'],
    [verdict('false_positive', 'The antivirus agent reads /etc/shadow at each full scan on Sundays')],
    'avscan read /etc/shadow on host worker-4, 214 times.',
  ),
  past(
    4,
    'Log4Shell attempt against search/solr',
    ['Java Process Class File Download', 'Run shell untrusted'],
    ['T1190'],
    [verdict('true_positive', 'solr 8.11.0 was exploited; patched to 8.11.2 the same day')],
    'java started sh in search/solr-0 after a class was loaded from an outside LDAP server.',
  ),
  past(
    5,
    'Cluster-admin granted to ci/deployer',
    ['Attach to cluster-admin Role'],
    ['T1098'],
    [
      verdict('benign', 'Helm chart of the observability stack, approved by Priya'),
      note('We asked the vendor to ship a narrower role in the next release'),
    ],
    'A ClusterRoleBinding for ci/deployer was created by helm.',
  ),
  past(
    6,
    'Bucket invoices made public',
    ['Put Bucket ACL', 'Delete Bucket Public Access Block'],
    ['T1530'],
    [verdict('true_positive', 'An intern followed a tutorial; 1,204 invoices could be read for two hours')],
    'Public access to the bucket invoices was allowed by user intern-3.',
  ),
  past(
    7,
    'SSH to an odd port from payments/ledger',
    ['Disallowed SSH Connection Non Standard Port'],
    ['T1059'],
    [verdict('benign', 'Settlement with the bank')],
    'ssh in payments/ledger-2 connected to 203.0.113.9 port 2222.',
  ),
  past(
    8,
    'Node worker-9 fell silent',
    ['Linux Kernel Module Injection Detected'],
    ['T1547.006'],
    [note('The GPU driver was upgraded; the sensor did not come back until its pod was deleted by hand')],
    'modprobe loaded nvidia on host worker-9. No alert came from it for three hours.',
  ),
  past(
    9,
    'Secrets listed by system:serviceaccount:web:default',
    ['K8s Secret Get Successfully'],
    ['T1552.007'],
    [verdict('true_positive', 'Token stolen through the image resizer; used from a hosting provider in another country')],
    'The service account web:default listed secrets in 14 namespaces within one minute.',
  ),
  past(
    10,
    'Database volume wiped in test',
    ['Remove Bulk Data from Disk'],
    ['T1485'],
    [verdict('benign', 'The nightly reset of the staging database uses shred')],
    'shred was run in test/pg-reset-281 on /var/lib/postgresql.',
  ),
]
