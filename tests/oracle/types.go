// The container-create request as its decoders declare it.
//
// Names and types are those of Docker's Engine API (moby: api/types, API 1.52 and 1.41); the
// declarations serve this test alone. encoding/json has its say by these types: which key is
// which field, what a null does, which of two keys wins and what is merged.
//
// SPDX-License-Identifier: 0BSD

package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// Mount and what belongs to it are the same in every version; an older daemon lacks the newer
// fields.
type Mount struct {
	Type        string
	Source      string
	Target      string
	ReadOnly    bool
	Consistency string

	BindOptions    *BindOptions
	VolumeOptions  *VolumeOptions
	ImageOptions   *ImageOptions
	TmpfsOptions   *TmpfsOptions
	ClusterOptions *ClusterOptions
}

type BindOptions struct {
	Propagation            string
	NonRecursive           bool
	CreateMountpoint       bool
	ReadOnlyNonRecursive   bool
	ReadOnlyForceRecursive bool
}

type VolumeOptions struct {
	NoCopy       bool
	Labels       map[string]string
	Subpath      string
	DriverConfig *DriverConfig
}

type DriverConfig struct {
	Name    string
	Options map[string]string
}

type ImageOptions struct{ Subpath string }

type TmpfsOptions struct {
	SizeBytes int64
	Mode      os.FileMode
	Options   [][]string
}

type ClusterOptions struct{}

// Health is a container's health check.
type Health struct {
	Test                                          []string
	Interval, Timeout, StartPeriod, StartInterval time.Duration
	Retries                                       int
}

// What both versions of Config have.
type configCommon struct {
	Hostname, Domainname, User              string
	AttachStdin, AttachStdout, AttachStderr bool
	Tty, OpenStdin, StdinOnce               bool
	Env                                     []string
	Healthcheck                             *Health
	ArgsEscaped                             bool
	Image                                   string
	Volumes                                 map[string]struct{}
	WorkingDir                              string
	NetworkDisabled                         bool
	OnBuild                                 []string
	Labels                                  map[string]string
	StopSignal                              string
	StopTimeout                             *int
}

// Resources are the limits in a HostConfig.
type Resources struct {
	CPUShares            int64 `json:"CpuShares"`
	Memory               int64
	NanoCPUs             int64 `json:"NanoCpus"`
	CgroupParent         string
	BlkioWeight          uint16
	BlkioWeightDevice    []*WeightDevice
	BlkioDeviceReadBps   []*ThrottleDevice
	BlkioDeviceWriteBps  []*ThrottleDevice
	BlkioDeviceReadIOps  []*ThrottleDevice
	BlkioDeviceWriteIOps []*ThrottleDevice
	CPUPeriod            int64 `json:"CpuPeriod"`
	CPUQuota             int64 `json:"CpuQuota"`
	CPURealtimePeriod    int64 `json:"CpuRealtimePeriod"`
	CPURealtimeRuntime   int64 `json:"CpuRealtimeRuntime"`
	CpusetCpus           string
	CpusetMems           string
	Devices              []DeviceMapping
	DeviceCgroupRules    []string
	DeviceRequests       []DeviceRequest
	MemoryReservation    int64
	MemorySwap           int64
	MemorySwappiness     *int64
	OomKillDisable       *bool
	PidsLimit            *int64
	Ulimits              []*Ulimit
	CPUCount             int64 `json:"CpuCount"`
	CPUPercent           int64 `json:"CpuPercent"`
	IOMaximumIOps        uint64
	IOMaximumBandwidth   uint64
}

type WeightDevice struct {
	Path   string
	Weight uint16
}

type ThrottleDevice struct {
	Path string
	Rate uint64
}

type DeviceMapping struct{ PathOnHost, PathInContainer, CgroupPermissions string }

type DeviceRequest struct {
	Driver       string
	Count        int
	DeviceIDs    []string
	Capabilities [][]string
	Options      map[string]string
}

type Ulimit struct {
	Name       string
	Hard, Soft int64
}

type LogConfig struct {
	Type   string
	Config map[string]string
}

type RestartPolicy struct {
	Name              string
	MaximumRetryCount int
}

// What both versions of HostConfig have.
type hostCommon struct {
	Binds           []string
	ContainerIDFile string
	LogConfig       LogConfig
	NetworkMode     string
	RestartPolicy   RestartPolicy
	AutoRemove      bool
	VolumeDriver    string
	VolumesFrom     []string
	ConsoleSize     [2]uint
	CgroupnsMode    string
	DNSOptions      []string `json:"DnsOptions"`
	DNSSearch       []string `json:"DnsSearch"`
	ExtraHosts      []string
	GroupAdd        []string
	IpcMode         string
	Cgroup          string
	Links           []string
	OomScoreAdj     int
	PidMode         string
	Privileged      bool
	PublishAllPorts bool
	ReadonlyRootfs  bool
	SecurityOpt     []string
	StorageOpt      map[string]string
	Tmpfs           map[string]string
	UTSMode         string
	UsernsMode      string
	ShmSize         int64
	Sysctls         map[string]string
	Runtime         string
	Isolation       string
	Resources
	Mounts        []Mount
	MaskedPaths   []string
	ReadonlyPaths []string
	Init          *bool
}

// What both versions of an endpoint's settings have.
type endpointCommon struct {
	Links, Aliases                   []string
	DriverOpts                       map[string]string
	NetworkID, EndpointID            string
	IPPrefixLen, GlobalIPv6PrefixLen int
}

// ---- Engine API 1.52, docker 29 ---------------------------------------------

type Config struct {
	configCommon
	ExposedPorts           map[Port]struct{}
	Cmd, Entrypoint, Shell []string
}

type HostConfig struct {
	hostCommon
	PortBindings    map[Port][]PortBinding
	Annotations     map[string]string
	CapAdd, CapDrop []string
	DNS             []netip.Addr `json:"Dns"`
}

type PortBinding struct {
	HostIP   netip.Addr `json:"HostIp"`
	HostPort string
}

type IPAMConfig struct {
	IPv4Address, IPv6Address netip.Addr
	LinkLocalIPs             []netip.Addr
}

type Endpoint struct {
	endpointCommon
	IPAMConfig                                         *IPAMConfig
	GwPriority                                         int
	Gateway, IPAddress, IPv6Gateway, GlobalIPv6Address netip.Addr
	MacAddress                                         HardwareAddr
	DNSNames                                           []string
}

type NetworkingConfig struct{ EndpointsConfig map[string]*Endpoint }

// Request is the body as the daemon of today decodes it.
type Request struct {
	*Config
	HostConfig       *HostConfig
	NetworkingConfig *NetworkingConfig
}

// Port is "80/tcp". A bad one ends the decoding, as in the daemon.
type Port struct {
	num   uint16
	proto string
}

func (p *Port) UnmarshalText(text []byte) error {
	number, proto, _ := strings.Cut(string(text), "/")
	if len(text) == 0 {
		*p = Port{}
		return nil
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return errors.New("no port")
	}
	if proto == "" {
		proto = "tcp"
	}
	*p = Port{uint16(n), strings.ToLower(proto)}
	return nil
}

// HardwareAddr is "02:42:ac:11:00:02".
type HardwareAddr []byte

func (h *HardwareAddr) UnmarshalText(text []byte) error {
	address, err := hex.DecodeString(strings.ReplaceAll(string(text), ":", ""))
	if err == nil && len(address) > 0 && len(text) != 3*len(address)-1 {
		err = errors.New("no hardware address")
	}
	*h = HardwareAddr(address)
	return err
}

// ---- Engine API 1.41, docker 20.10 ------------------------------------------

type OldConfig struct {
	configCommon
	ExposedPorts           map[string]struct{}
	Cmd, Entrypoint, Shell Words
	MacAddress             string
}

type OldHostConfig struct {
	hostCommon
	PortBindings                  map[string][]OldPortBinding
	CapAdd, CapDrop               Words
	DNS                           []string `json:"Dns"`
	KernelMemory, KernelMemoryTCP int64
}

type OldPortBinding struct {
	HostIP   string `json:"HostIp"`
	HostPort string
}

type OldIPAMConfig struct {
	IPv4Address, IPv6Address string
	LinkLocalIPs             []string
}

type OldEndpoint struct {
	endpointCommon
	IPAMConfig                                         *OldIPAMConfig
	Gateway, IPAddress, IPv6Gateway, GlobalIPv6Address string
	MacAddress                                         string
}

type OldNetworkingConfig struct{ EndpointsConfig map[string]*OldEndpoint }

// OldRequest has all of HostConfig's fields at the top, too: they count where HostConfig itself
// is missing.
type OldRequest struct {
	*OldConfig
	InnerHostConfig  *OldHostConfig `json:"HostConfig"`
	Cpuset           string
	NetworkingConfig *OldNetworkingConfig
	*OldHostConfig
}

// Words is one string, or an array of them.
type Words []string

func (w *Words) UnmarshalJSON(text []byte) error {
	var many []string
	if json.Unmarshal(text, &many) == nil {
		*w = many
		return nil
	}
	var one string
	err := json.Unmarshal(text, &one)
	if err == nil {
		*w = Words{one}
	}
	return err
}

// ---- What mounts something, and nothing else --------------------------------

// MountsOnly is for bodies that a daemon refuses for the type of a field that has nothing to do
// with mounts: another version of it may take them.
type MountsOnly struct {
	HostConfig *struct {
		Binds  []string
		Mounts []Mount
		Tmpfs  map[string]json.RawMessage
	}
	Volumes map[string]json.RawMessage
}
