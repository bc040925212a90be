package im.sotto.android

import android.content.Context
import android.net.ConnectivityManager
import android.net.LinkProperties
import android.net.Network
import android.net.NetworkCapabilities
import android.os.Build
import im.sotto.NetworkState
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.map

/** The phone's default network, as the core needs to know it. Needs the permission `ACCESS_NETWORK_STATE`. */
public class Networks(context: Context) {
    private val manager: ConnectivityManager = context.getSystemService(ConnectivityManager::class.java)

    /** The network now, or null while there is none. */
    public fun now(): NetworkState? {
        val network = manager.activeNetwork ?: return null
        return state(
            manager.getNetworkCapabilities(network) ?: return null,
            manager.getLinkProperties(network) ?: return null,
        )
    }

    /**
     * The network, then each change: another network, other DNS servers, metered or roaming or no longer. The loss of a
     * network is no change, the next network is one, even if it looks the same.
     */
    public fun changes(): Flow<NetworkState> = callbackFlow {
        val callback = object : ConnectivityManager.NetworkCallback() {
            private var capabilities: NetworkCapabilities? = null
            private var links: LinkProperties? = null

            override fun onAvailable(network: Network) {
                capabilities = null
                links = null
            }

            override fun onCapabilitiesChanged(network: Network, networkCapabilities: NetworkCapabilities) {
                capabilities = networkCapabilities
                offer(network)
            }

            override fun onLinkPropertiesChanged(network: Network, linkProperties: LinkProperties) {
                links = linkProperties
                offer(network)
            }

            private fun offer(network: Network) {
                trySend(network to state(capabilities ?: return, links ?: return))
            }
        }
        manager.registerDefaultNetworkCallback(callback)
        awaitClose { manager.unregisterNetworkCallback(callback) }
    }.conflate().distinctUntilChanged().map { (_, state) -> state }

    private fun state(capabilities: NetworkCapabilities, links: LinkProperties): NetworkState = NetworkState(
        // Link-local servers need the name of an interface, which no resolver of the core has.
        dnsServers = links.dnsServers.filterNot { it.isLinkLocalAddress }.mapNotNull { it.hostAddress },
        isMetered = !capabilities.hasCapability(NetworkCapabilities.NET_CAPABILITY_NOT_METERED),
        isRoaming = isRoaming(capabilities),
    )

    @Suppress("DEPRECATION") // The capability came with Android 9.
    private fun isRoaming(capabilities: NetworkCapabilities): Boolean =
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
            !capabilities.hasCapability(NetworkCapabilities.NET_CAPABILITY_NOT_ROAMING)
        } else {
            manager.activeNetworkInfo?.isRoaming == true
        }
}
