"""What a user would write, as YAML: it is shown before it is applied."""

from demo.array import Array

KINDS = "fsarray,fshost,fsattach"


def secret(array: Array, password: str) -> str:
    return f"""\
apiVersion: v1
kind: Secret
metadata:
  name: fs-login
type: kubernetes.io/basic-auth
stringData:
  username: {array.user}
  password: {password}
"""


def array(array: Array) -> str:
    return f"""\
apiVersion: flashsystem.io/v1alpha1
kind: FlashSystemArray
metadata:
  name: fs
spec:
  management:
    addresses: [{array.address}]
    port: {array.port}
  credentialsSecretRef:
    name: fs-login
  hostKeys:
    - {array.host_key}
"""


def host(name: str) -> str:
    return f"""\
apiVersion: flashsystem.io/v1alpha1
kind: FlashSystemHost
metadata:
  name: {name}
spec:
  arrayRef:
    name: fs
  initiators:
    iscsi: [{iqn(name)}]
"""


def attachment(name: str, host: str, volume: str, access: str = "") -> str:
    shared = f"  access: {access}\n" if access else ""
    return f"""\
apiVersion: flashsystem.io/v1alpha1
kind: VolumeAttachment
metadata:
  name: {name}
spec:
  hostRef:
    name: {host}
  volume:
    name: {volume}
{shared}"""


def iqn(name: str) -> str:
    return f"iqn.1994-05.com.redhat:{name}"


def several(*documents: str) -> str:
    return "---\n".join(documents)
