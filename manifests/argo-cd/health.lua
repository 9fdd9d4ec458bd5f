-- Argo CD health check for all kinds of flashsystem.io, based on their status.
-- It uses only ipairs of the Lua libraries, because Argo CD provides no others to a script.

local conditions = {}
local status = obj.status or {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function is(kind, truth)
  return conditions[kind] ~= nil and conditions[kind].status == truth
end

local function message(kind)
  return conditions[kind] ~= nil and conditions[kind].message or ""
end

local seen = status.observedGeneration == obj.metadata.generation

if obj.metadata.deletionTimestamp ~= nil then
  -- Ready shows why it waits. A condition from before the deletion was observed does not explain it.
  local why = seen and is("Ready", "False") and " " .. message("Ready") or ""
  return { status = "Progressing", message = "It is being deleted." .. why }
end

if not seen then
  return { status = "Progressing", message = "The operator has not reconciled this version yet." }
end

-- Failures come before a pause: a pause stops changes, but fixes nothing.
if is("Stalled", "True") then
  return { status = "Degraded", message = message("Stalled") }
end
if is("Reachable", "False") then
  return { status = "Degraded", message = message("Reachable") }
end

-- Held back by an annotation, which a user must remove.
if is("Paused", "True") then
  return { status = "Suspended", message = message(is("Ready", "False") and "Ready" or "Paused") }
end
local reason = conditions["Ready"] ~= nil and conditions["Ready"].reason
if is("Ready", "False") and (reason == "Planned" or reason == "Released") then
  return { status = "Suspended", message = message("Ready") }
end

if is("Reconciling", "True") then
  return { status = "Progressing", message = message("Reconciling") }
end
if is("Ready", "True") then
  return { status = "Healthy", message = message("Ready") }
end
return { status = "Progressing", message = "The operator has not reported a status yet." }
