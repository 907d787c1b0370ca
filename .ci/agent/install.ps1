# Installs this folder as the agent of this Windows machine, without a network. Run as administrator.
# Node is no service program (it does not answer the service manager), so the agent runs as a task that starts with
# the machine, under the account LOCAL SERVICE, and is started again when it ends.
param([Parameter(Mandatory)][string]$Options)
$ErrorActionPreference = 'Stop'
$agentHome = Join-Path $env:ProgramFiles 'Millrace Agent'
$data = Join-Path $env:ProgramData 'Millrace\agent'
Get-ScheduledTask 'MillraceAgent' -ErrorAction SilentlyContinue | Stop-ScheduledTask
New-Item -ItemType Directory -Force $agentHome, $data | Out-Null
Copy-Item -Recurse -Force "$PSScriptRoot\bin", "$PSScriptRoot\lib", "$PSScriptRoot\LICENSES" $agentHome
icacls $data /inheritance:r /grant 'SYSTEM:(OI)(CI)F' 'Administrators:(OI)(CI)F' 'LOCAL SERVICE:(OI)(CI)F' | Out-Null
$action = New-ScheduledTaskAction -Execute "$agentHome\lib\node.exe" `
  -Argument "`"$agentHome\lib\agent.cjs`" --data `"$data`" $Options"
$settings = New-ScheduledTaskSettingsSet -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) `
  -ExecutionTimeLimit ([TimeSpan]::Zero) -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
$who = New-ScheduledTaskPrincipal -UserId 'NT AUTHORITY\LOCAL SERVICE' -LogonType ServiceAccount
Register-ScheduledTask 'MillraceAgent' -Force -Action $action -Settings $settings -Principal $who `
  -Trigger (New-ScheduledTaskTrigger -AtStartup) | Out-Null
Start-ScheduledTask 'MillraceAgent'
