/** The names of Falco's stable rules, written down here: that each has a runbook is tested without anybody's files. */
export const stableRules = [
  'Directory traversal monitored file read',
  'Read sensitive file trusted after startup',
  'Read sensitive file untrusted',
  'Run shell untrusted',
  'System user interactive',
  'Terminal shell in container',
  'Contact K8S API Server From Container',
  'Netcat Remote Code Execution in Container',
  'Search Private Keys or Passwords',
  'Clear Log Activities',
  'Remove Bulk Data from Disk',
  'Create Symlink Over Sensitive Files',
  'Create Hardlink Over Sensitive Files',
  'Packet socket created in container',
  'Redirect STDOUT/STDIN to Network Connection in Container',
  'Linux Kernel Module Injection Detected',
  'Debugfs Launched in Privileged Container',
  'Detect release_agent File Container Escapes',
  'PTRACE attached to process',
  'PTRACE anti-debug attempt',
  'Find AWS Credentials',
  'Execution from /dev/shm',
  'Drop and execute new binary in container',
  'Disallowed SSH Connection Non Standard Port',
  'Fileless execution via memfd_create',
] as const

/** Of the threat matrix for Kubernetes. */
export const matrixTactics = ['TA0001', 'TA0002', 'TA0003', 'TA0004', 'TA0005', 'TA0006', 'TA0007', 'TA0008', 'TA0009', 'TA0040'] as const
