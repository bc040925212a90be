package im.sotto.android

import android.content.Intent
import android.net.ConnectivityManager
import android.net.LinkProperties
import android.net.NetworkCapabilities
import android.os.BatteryManager
import im.sotto.NetworkState
import java.net.InetAddress
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowLooper
import org.robolectric.shadows.ShadowNetwork
import org.robolectric.shadows.ShadowNetworkCapabilities

/** What the phone says of networks and chargers, as the core hears it. */
@RunWith(RobolectricTestRunner::class)
class SignalsTest {
    private val context = RuntimeEnvironment.getApplication()
    private val manager = context.getSystemService(ConnectivityManager::class.java)
    private val wifi = ShadowNetwork.newInstance(7)
    private val mobile = ShadowNetwork.newInstance(8)

    private fun links(vararg servers: String) = LinkProperties().apply {
        setDnsServers(servers.map { InetAddress.getByName(it) })
    }

    private fun capabilities(vararg all: Int): NetworkCapabilities = ShadowNetworkCapabilities.newInstance().also {
        listOf(NOT_METERED, NOT_ROAMING).forEach { each -> shadowOf(it).removeCapability(each) }
        all.forEach { each -> shadowOf(it).addCapability(each) }
    }

    @Test
    fun `the network now has its servers, without those that no resolver reaches`() {
        assertEquals(listOf("192.0.2.1", "2001:db8:0:0:0:0:0:1"), state(links("192.0.2.1", "fe80::1", "2001:db8::1")))
    }

    private fun state(links: LinkProperties): List<String> {
        val network = checkNotNull(manager.activeNetwork)
        shadowOf(manager).setNetworkCapabilities(network, capabilities(NOT_METERED, NOT_ROAMING))
        shadowOf(manager).setLinkProperties(network, links)
        val now = checkNotNull(Networks(context).now())
        assertFalse(now.isMetered)
        assertFalse(now.isRoaming)
        return now.dnsServers
    }

    @Test
    fun `without a network there is none`() {
        shadowOf(manager).setDefaultNetworkActive(false)
        shadowOf(manager).setActiveNetworkInfo(null)
        assertNull(Networks(context).now())
    }

    @Test
    fun `each change is told once, and only what is whole`() = runBlocking {
        val seen = mutableListOf<NetworkState>()
        val job = CoroutineScope(Dispatchers.Unconfined).launch { Networks(context).changes().collect { seen += it } }
        val callback = shadowOf(manager).networkCallbacks.single()
        val home = NetworkState(listOf("192.0.2.1"), isMetered = false, isRoaming = false)

        callback.onAvailable(wifi)
        callback.onCapabilitiesChanged(wifi, capabilities(NOT_METERED, NOT_ROAMING))
        assertEquals(emptyList<NetworkState>(), seen)
        callback.onLinkPropertiesChanged(wifi, links("192.0.2.1"))
        assertEquals(listOf(home), seen)

        // A stronger signal is no change.
        callback.onCapabilitiesChanged(wifi, capabilities(NOT_METERED, NOT_ROAMING))
        assertEquals(listOf(home), seen)

        callback.onCapabilitiesChanged(wifi, capabilities(NOT_ROAMING))
        callback.onLinkPropertiesChanged(wifi, links("192.0.2.2"))
        val metered = home.copy(isMetered = true)
        assertEquals(listOf(home, metered, metered.copy(dnsServers = listOf("192.0.2.2"))), seen)

        // Another network that looks the same is a change: connections of the old one are dead.
        seen.clear()
        callback.onLost(wifi)
        callback.onAvailable(mobile)
        callback.onCapabilitiesChanged(mobile, capabilities())
        callback.onLinkPropertiesChanged(mobile, links("192.0.2.2"))
        assertEquals(listOf(NetworkState(listOf("192.0.2.2"), isMetered = true, isRoaming = true)), seen)
        callback.onLost(mobile)
        callback.onAvailable(wifi)
        callback.onCapabilitiesChanged(wifi, capabilities())
        callback.onLinkPropertiesChanged(wifi, links("192.0.2.2"))
        assertEquals(2, seen.size)

        job.cancelAndJoin()
        assertTrue(shadowOf(manager).networkCallbacks.isEmpty())
    }

    @Test
    fun `a charger is told when it comes and goes, and a full battery on it counts`() = runBlocking {
        battery(BatteryManager.BATTERY_PLUGGED_USB)
        assertTrue(Power(context).isCharging())
        val seen = mutableListOf<Boolean>()
        val job = CoroutineScope(Dispatchers.Unconfined).launch { Power(context).changes().collect { seen += it } }
        assertEquals(listOf(true), seen)
        tell(Intent.ACTION_POWER_DISCONNECTED)
        tell(Intent.ACTION_POWER_DISCONNECTED)
        tell(Intent.ACTION_POWER_CONNECTED)
        assertEquals(listOf(true, false, true), seen)
        job.cancelAndJoin()
        tell(Intent.ACTION_POWER_DISCONNECTED)
        assertEquals(listOf(true, false, true), seen)
        battery(0)
        assertFalse(Power(context).isCharging())
    }

    @Suppress("DEPRECATION")
    private fun battery(plugged: Int) {
        val state = Intent(Intent.ACTION_BATTERY_CHANGED)
            .putExtra(BatteryManager.EXTRA_PLUGGED, plugged)
            .putExtra(BatteryManager.EXTRA_STATUS, BatteryManager.BATTERY_STATUS_FULL)
        context.sendStickyBroadcast(state)
    }

    private fun tell(action: String) {
        context.sendBroadcast(Intent(action))
        ShadowLooper.idleMainLooper()
    }

    private companion object {
        const val NOT_METERED = NetworkCapabilities.NET_CAPABILITY_NOT_METERED
        const val NOT_ROAMING = NetworkCapabilities.NET_CAPABILITY_NOT_ROAMING
    }
}
