package im.sotto.app

import android.Manifest
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.hardware.camera2.impl.CameraDeviceImpl
import android.os.Looper
import android.view.TextureView
import kotlinx.coroutines.delay
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Before
import org.junit.Test
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.shadow.api.Shadow
import org.robolectric.shadows.ShadowCameraCharacteristics
import org.robolectric.shadows.ShadowCameraManager
import org.robolectric.util.ReflectionHelpers

/** The camera opens late and answers when it likes: it is held once while the scanner is in front, and else never. */
class ScanTest : AppTest() {
    override fun nodes() = emptyList<String>()

    /** All cameras that were opened. */
    private class Cameras : ShadowCameraManager() {
        val all: Set<CameraDeviceImpl> get() = createdCameras
    }

    private lateinit var scanner: ActivityController<ScanActivity>

    private fun cameras(): List<CameraDeviceImpl> = Cameras().all.toList()

    private fun held() = cameras().count { !ReflectionHelpers.getField<Boolean>(Shadow.extract(it), "closed") }

    private fun listener() = scanner.get().findViewById<TextureView>(R.id.camera).surfaceTextureListener

    private fun answer() = shadowOf(Looper.getMainLooper()).idle()

    /** The screen has room for the camera's picture now. */
    private fun show() = listener()?.onSurfaceTextureAvailable(SurfaceTexture(0), 400, 800)

    @Before
    fun open() {
        shadowOf(app).grantPermissions(Manifest.permission.CAMERA)
        val back = ShadowCameraCharacteristics.newCameraCharacteristics()
        shadowOf(back).set(CameraCharacteristics.LENS_FACING, CameraCharacteristics.LENS_FACING_BACK)
        shadowOf(app.getSystemService(CameraManager::class.java)).addCamera("0", back)
        scanner = Robolectric.buildActivity(ScanActivity::class.java)
        scanner.create().start().resume().visible()
    }

    @Test
    fun itIsHeldWhileTheScannerIsInFront() {
        assertEquals(0, cameras().size)
        show()
        answer()
        assertEquals(1, held())
        scanner.pause()
        answer()
        assertEquals(0, held())
    }

    @Test
    fun leftWhileItOpensItIsClosed() {
        show()
        scanner.pause()
        answer()
        assertEquals(1, cameras().size)
        assertEquals(0, held())
    }

    @Test
    fun leftBeforeThereIsRoomItIsNotOpened() {
        scanner.pause()
        show()
        answer()
        assertEquals(0, cameras().size)
    }

    @Test
    fun leftAndEnteredWhileItOpensOneOfTwoStays() {
        show()
        scanner.pause().resume()
        show()
        answer()
        assertEquals(2, cameras().size)
        assertEquals(1, held())
        scanner.pause()
        answer()
        assertEquals(0, held())
    }

    @Test
    fun itOpensOnce() {
        show()
        show()
        answer()
        show()
        answer()
        assertEquals(1, cameras().size)
        // The answer to an asked permission comes too.
        scanner.get().onRequestPermissionsResult(0, arrayOf(Manifest.permission.CAMERA), intArrayOf(0))
        show()
        answer()
        assertEquals(1, cameras().size)
        scanner.pause().stop().destroy()
        answer()
        assertEquals(0, held())
        app.await { while (Thread.getAllStackTraces().keys.any { it.name == "scan" }) delay(10) }
    }

    @After
    fun end() {
        if (!scanner.get().isDestroyed) scanner.stop().destroy()
    }
}
