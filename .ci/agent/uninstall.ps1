# Takes the agent away; key, ledger and logs in ProgramData\Millrace stay. Run as administrator.
$ErrorActionPreference = 'Stop'
Get-ScheduledTask 'MillraceAgent' -ErrorAction SilentlyContinue | Stop-ScheduledTask -PassThru |
  Unregister-ScheduledTask -Confirm:$false
Remove-Item -Recurse -Force (Join-Path $env:ProgramFiles 'Millrace Agent')
