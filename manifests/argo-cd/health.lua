-- How Argo CD reads the health of a FlashSystemArray, a FlashSystemHost or a VolumeAttachment from its status.
-- The same for each kind. It uses nothing of Lua's libraries but ipairs: Argo CD gives no more to a script.

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
  -- Why it waits is said in Ready; what was said before the deletion was seen is no answer to that.
  local why = seen and is("Ready", "False") and " " .. message("Ready") or ""
  return { status = "Progressing", message = "It is being deleted." .. why }
end

if not seen then
  return { status = "Progressing", message = "The operator has not looked at this version yet." }
end

-- Trouble is told before a pause: a pause stops what the operator does, and mends nothing.
if is("Stalled", "True") then
  return { status = "Degraded", message = message("Stalled") }
end
if is("Reachable", "False") then
  return { status = "Degraded", message = message("Reachable") }
end

-- Held by an annotation, which somebody has to take off again.
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
return { status = "Progressing", message = "The operator has not said yet how it is." }
