package im.sotto.app

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.ImageFormat
import android.graphics.Matrix
import android.graphics.RectF
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.media.Image
import android.media.ImageReader
import android.os.Bundle
import android.os.Handler
import android.os.HandlerThread
import android.view.Surface
import android.view.TextureView
import android.view.View
import android.widget.TextView
import com.google.zxing.PlanarYUVLuminanceSource
import kotlin.math.max

/** Reads a QR code with the camera, or from a picture where there is none. The result has its bytes. */
class ScanActivity : Screen(R.layout.scan, R.string.add_scan_title) {
    private val view: TextureView get() = findViewById(R.id.camera)
    private var device: CameraDevice? = null
    private var reader: ImageReader? = null
    private var thread: HandlerThread? = null

    override fun build(state: Bundle?) {
        onTap(R.id.picture) { pickPicture(PICK) }
        if (isAllowed()) return
        if (state == null) requestPermissions(arrayOf(Manifest.permission.CAMERA), ASK) else noCamera()
    }

    private fun isAllowed() = checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

    override fun onRequestPermissionsResult(request: Int, names: Array<String>, results: IntArray) {
        if (isAllowed()) start() else noCamera()
    }

    override fun onResume() {
        super.onResume()
        if (isAllowed()) start()
    }

    override fun onPause() {
        stop()
        super.onPause()
    }

    private fun noCamera() {
        stop()
        findViewById<View>(R.id.frame).show(false)
        findViewById<View>(R.id.picture).show(true)
        findViewById<TextView>(R.id.text).setText(R.string.add_no_camera)
    }

    private fun start() {
        if (device != null || thread != null) return
        if (camera() == null) return noCamera()
        findViewById<View>(R.id.frame).show(true)
        if (view.isAvailable) return open()
        view.surfaceTextureListener = object : TextureView.SurfaceTextureListener {
            override fun onSurfaceTextureAvailable(surface: SurfaceTexture, width: Int, height: Int) = open()

            override fun onSurfaceTextureSizeChanged(surface: SurfaceTexture, width: Int, height: Int) = Unit

            override fun onSurfaceTextureDestroyed(surface: SurfaceTexture) = true

            override fun onSurfaceTextureUpdated(surface: SurfaceTexture) = Unit
        }
    }

    /** The camera at the back, or any. */
    private fun camera(): String? = try {
        val manager = getSystemService(CameraManager::class.java)
        val ids = manager.cameraIdList
        ids.firstOrNull { id ->
            val facing = manager.getCameraCharacteristics(id).get(CameraCharacteristics.LENS_FACING)
            facing == CameraCharacteristics.LENS_FACING_BACK
        } ?: ids.firstOrNull()
    } catch (_: CameraAccessException) {
        null
    }

    private fun open() {
        if (thread != null) return
        val manager = getSystemService(CameraManager::class.java)
        try {
            val id = camera() ?: return noCamera()
            val worker = HandlerThread("scan").apply { start() }
            thread = worker
            val handler = Handler(worker.looper)
            val images = ImageReader.newInstance(WIDTH, HEIGHT, ImageFormat.YUV_420_888, 2)
            images.setOnImageAvailableListener({ it.acquireLatestImage()?.use(::read) }, handler)
            reader = images
            manager.openCamera(id, Opened(images), Handler(mainLooper))
        } catch (_: CameraAccessException) {
            noCamera()
        } catch (_: SecurityException) {
            noCamera()
        }
    }

    /** The answer to one [open]. It may come after [stop], and after the next [open]. */
    private inner class Opened(private val images: ImageReader) : CameraDevice.StateCallback() {
        override fun onOpened(camera: CameraDevice) {
            if (images !== reader) return camera.close()
            device = camera
            fit()
            val texture = view.surfaceTexture ?: return
            texture.setDefaultBufferSize(WIDTH, HEIGHT)
            val surfaces = listOf(Surface(texture), images.surface)
            @Suppress("DEPRECATION")
            ask { camera.createCaptureSession(surfaces, Configured(camera, surfaces), null) }
        }

        override fun onDisconnected(camera: CameraDevice) {
            camera.close()
            if (images === reader) stop()
        }

        override fun onError(camera: CameraDevice, error: Int) {
            camera.close()
            if (images === reader) noCamera()
        }
    }

    /** Another app may take the camera at any moment. */
    private fun ask(of: () -> Unit) {
        try {
            of()
        } catch (_: CameraAccessException) {
            noCamera()
        } catch (_: IllegalStateException) {
            noCamera()
        }
    }

    private inner class Configured(private val camera: CameraDevice, private val surfaces: List<Surface>) :
        CameraCaptureSession.StateCallback() {
        override fun onConfigured(session: CameraCaptureSession) {
            if (device !== camera) return
            ask {
                val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
                surfaces.forEach(request::addTarget)
                request.set(CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE)
                session.setRepeatingRequest(request.build(), null, null)
            }
        }

        override fun onConfigureFailed(session: CameraCaptureSession) = noCamera()
    }

    /** The camera's picture lies on its side: it is turned upright and cropped to the view. */
    private fun fit() {
        val width = view.width.toFloat()
        val height = view.height.toFloat()
        val scale = max(width / HEIGHT, height / WIDTH)
        view.setTransform(
            Matrix().apply {
                val upright = RectF(0f, 0f, HEIGHT.toFloat(), WIDTH.toFloat())
                setRectToRect(RectF(0f, 0f, width, height), upright, Matrix.ScaleToFit.FILL)
                postScale(scale, scale)
                postTranslate((width - HEIGHT * scale) / 2, (height - WIDTH * scale) / 2)
            },
        )
    }

    /** Runs on the worker: reads the brightness of one picture. */
    private fun read(image: Image) {
        val plane = image.planes[0]
        val bytes = ByteArray(plane.buffer.remaining()).also(plane.buffer::get)
        val stride = plane.rowStride
        // The last row may be cut short of the stride.
        val rows = minOf(image.height, (bytes.size + stride - image.width) / stride)
        val whole = if (bytes.size < stride * rows) bytes.copyOf(stride * rows) else bytes
        val code = Qr.decode(PlanarYUVLuminanceSource(whole, stride, rows, 0, 0, image.width, rows, false)) ?: return
        runOnUiThread { found(code) }
    }

    private fun found(code: ByteArray) {
        if (isFinishing) return
        setResult(Activity.RESULT_OK, Intent().putExtra(CODE, code))
        finish()
    }

    private fun stop() {
        view.surfaceTextureListener = null
        device?.close()
        device = null
        // On its own thread, which may be reading a picture.
        val images = reader
        thread?.let { Handler(it.looper).post { images?.close() } }
        reader = null
        thread?.quitSafely()
        thread = null
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        val uri = data?.data ?: return
        attempt {
            val code = Qr.read(this, uri)
            if (code == null) say(getString(R.string.add_no_code)) else found(code)
        }
    }

    companion object {
        /** The bytes of the code, in the result. */
        const val CODE = "code"
        private const val PICK = 1
        private const val ASK = 2
        private const val WIDTH = 1280
        private const val HEIGHT = 720
    }
}

/** Lets the person scan a code; see [ScanActivity]. */
fun Activity.scanCode(request: Int) = startActivityForResult(Intent(this, ScanActivity::class.java), request)
