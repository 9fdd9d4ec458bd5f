#!/bin/bash
# The node image, step by step: image.sh components | base | files | preload | commit
# What kind's images/base/Dockerfile and `kind build node-image` do, without a network and without downloads.
#
# ROOT           a Debian root with systemd, containerd and iptables
# SERVERS NODE   folders of programs: of a control plane, of a node
# KIND_FILES     the folder images/base/files of kind's module
# VERSION        of Kubernetes; ETCD COREDNS PAUSE: as kubeadm names their images
# IMAGE          the name of the result
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REGISTRY=registry.k8s.io
BASE=flashsystem-operator/debian:node
MAKING=flashsystem-operator-node-in-the-making
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# A folder as an image. Arguments: the folder, the image's name, its entry point as JSON.
import() {
    tar -C "$1" --owner=0 --group=0 -c . | docker import --change "ENTRYPOINT ${3:-[]}" \
        --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "$2" > /dev/null
}

# One program as an image.
program() {
    local folder=$WORK/$(basename "$1")
    install -D "$1" "$folder$2"
    import "$folder" "$3" "${4:-[]}"
}

components() {
    local each
    for each in kube-apiserver kube-controller-manager; do
        program "$SERVERS/$each" "/usr/local/bin/$each" "$REGISTRY/$each:$VERSION"
    done
    program "$SERVERS/etcd" /usr/local/bin/etcd "$REGISTRY/etcd:$ETCD"
    program "$NODE/kube-scheduler" /usr/local/bin/kube-scheduler "$REGISTRY/kube-scheduler:$VERSION"
    program "$NODE/pause" /pause "$REGISTRY/pause:$PAUSE" '["/pause"]'
    program "$NODE/coredns" /coredns "$REGISTRY/coredns/coredns:$COREDNS" '["/coredns"]'
    proxy
}

# kube-proxy runs iptables, nft and conntrack: they come with their libraries from the Debian root. iptables loads its
# extensions while it runs, so ldd is asked about them too.
proxy() {
    local at=$WORK/proxy each library extensions folder
    extensions=$(cd "$ROOT" && echo usr/lib/*/xtables)
    mkdir -p "$at"/usr/{sbin,bin,lib,lib64,local/bin} "$at"/{run,etc,tmp} "$at/$extensions"
    for each in sbin bin lib lib64; do ln -s "usr/$each" "$at/$each"; done
    local programs=(/usr/sbin/xtables-nft-multi /usr/sbin/nft /usr/sbin/conntrack /usr/bin/kmod)
    for each in "${programs[@]}"; do cp "$ROOT$each" "$at$each"; done
    cp "$ROOT/$extensions"/*.so "$at/$extensions/"
    # shellcheck disable=SC2016
    chroot "$ROOT" sh -c 'ldd "$@"' ldd "${programs[@]}" $(cd "$ROOT" && ls -d "$extensions"/*.so | sed 's,^,/,') |
        awk '$2 == "=>" {print $3} $1 ~ "^/lib" {print $1}' | sort -u > "$WORK/libraries"
    while read -r library; do
        folder=$(dirname "$library")
        mkdir -p "$at$folder"
        cp "$ROOT$(chroot "$ROOT" readlink -f "$library")" "$at$library"
    done < "$WORK/libraries"
    for each in iptables ip6tables; do
        for folder in '' -save -restore; do ln -s xtables-nft-multi "$at/usr/sbin/$each$folder"; done
    done
    ln -s ../bin/kmod "$at/usr/sbin/modprobe"
    cp "$NODE/kube-proxy" "$at/usr/local/bin/"
    import "$at" "$REGISTRY/kube-proxy:$VERSION"
}

base() {
    tar -C "$ROOT" -c . | docker import - "$BASE" > /dev/null
    docker rm --force "$MAKING" > /dev/null 2>&1 || true  # of a killed run
    docker run --detach --name "$MAKING" --privileged --network none --stop-signal SIGRTMIN+3 \
        --entrypoint sleep "$BASE" infinity > /dev/null
}

files() {
    local at=$WORK/files
    install -D "$KIND_FILES/usr/local/bin/entrypoint" "$at/usr/local/bin/entrypoint"
    mkdir -p "$at"/kind/{bin,manifests} "$at"/etc/{kubernetes/manifests,cni/net.d,default} "$at/opt/cni" "$at/usr/bin"
    install "$KIND_FILES"/kind/bin/* "$at/kind/bin/"
    cp -r --no-preserve=mode "$KIND_FILES/etc/." "$at/etc/"
    install "$NODE/kubeadm" "$NODE/kubelet" "$SERVERS/kubectl" "$at/usr/bin/"
    ln -s /usr/bin/containerd "$at/usr/local/bin/containerd"
    ln -s /usr/lib/cni "$at/opt/cni/bin"
    printf '%s' "$VERSION" > "$at/kind/version"
    # From 1.35 on the kubelet refuses to start on cgroup v1 unless it is told not to.
    echo 'KUBELET_EXTRA_ARGS=--runtime-cgroups=/system.slice/containerd.service --fail-cgroupv1=false' \
        > "$at/etc/default/kubelet"
    # base_runtime_spec only hides names of the hardware; lowering oom_score_adj needs CAP_SYS_RESOURCE, which may lack.
    sed -i "/base_runtime_spec/d; s#pause:3[.0-9]*#pause:$PAUSE#; s/restrict_oom_score_adj = false/restrict_oom_score_adj = true/" \
        "$at/etc/containerd/config.toml"
    cp "$HERE/10-ptp.conflist" "$at/etc/cni/net.d/"
    cp "$HERE"/default-*.yaml "$at/kind/manifests/"
    chmod -R u=rwX,go=rX "$at/etc/cni" "$at/kind/manifests"
    tar -C "$at" --owner=0 --group=0 -c . | docker exec --interactive "$MAKING" tar -C / --keep-directory-symlink -x
    # What a machine starts and a container must not.
    docker exec "$MAKING" bash -ec '
        cd /lib/systemd/system
        rm -f sysinit.target.wants/systemd-tmpfiles-setup.service multi-user.target.wants/* local-fs.target.wants/* \
            sockets.target.wants/*udev* sockets.target.wants/*initctl* basic.target.wants/* /etc/systemd/system/*.wants/*
        echo ReadKMsg=no >> /etc/systemd/journald.conf
        systemctl --quiet enable kubelet.service containerd.service undo-mount-hacks.service
        systemctl --quiet mask systemd-binfmt.service'
}

# The images of the components, where the node's containerd looks for them: nothing is pulled there.
preload() {
    docker exec --detach "$MAKING" sh -c 'echo $$ > /run/containerd.pid; exec containerd'
    docker exec "$MAKING" bash -c 'for i in {1..150}; do ctr version > /dev/null 2>&1 && exit; sleep 0.2; done; exit 1'
    docker save $REGISTRY/kube-{apiserver,controller-manager,scheduler,proxy}:"$VERSION" \
        "$REGISTRY/etcd:$ETCD" "$REGISTRY/pause:$PAUSE" "$REGISTRY/coredns/coredns:$COREDNS" |
        docker exec --interactive "$MAKING" ctr -n k8s.io images import --all-platforms --no-unpack --digests - > /dev/null
    docker exec "$MAKING" bash -c '
        pid=$(< /run/containerd.pid)
        kill "$pid"
        while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
        rm -rf /run/containerd*'
}

# Last of all, so that an image of this name is whole.
commit() {
    docker commit --change 'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]' --change 'ENV container=docker' \
        --change 'CMD []' "$MAKING" "$IMAGE" > /dev/null
    docker rm --force "$MAKING" > /dev/null
}

"${1:?components, base, files, preload or commit}"
